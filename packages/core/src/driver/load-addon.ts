import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ZeroCopyError } from '../errors.js'

/** Runtimes that load Node-API addons and cannot run these, by their name in `process.versions`, and why. */
const UNFIT_RUNTIMES: Readonly<Record<string, string>> = {
  bun: 'Bun has no libuv loop that an addon could join: its uv_poll_init ends the process.',
  deno: 'Deno exports no V8 backing store, so that memory cannot be pinned, and its uv_poll does not wake on an epoll instance.',
  electron: "Electron's V8 is built with a C++ library of its own, so that memory cannot be pinned.",
}

/** Which C library this process runs on: the packages of prebuilt addons end in its name. */
export type CLibrary = 'gnu' | 'musl'

/** The C library of this process, by the dynamic linker that is mapped into it. */
export function cLibrary(): CLibrary {
  try {
    return /\/ld-musl-[^/]+\.so/.test(readFileSync('/proc/self/maps', 'utf8')) ? 'musl' : 'gnu'
  } catch {
    // Without /proc, or without the permission to read it.
    return 'gnu'
  }
}

/** Name of the package that carries the prebuilt addons of this machine, for example `@sendzc/linux-x64-gnu`. */
export function platformPackage(): string {
  return `@sendzc/${process.platform}-${process.arch}-${cLibrary()}`
}

/** A module that was bundled into CommonJS has no URL: then packages are looked for from the folder that the program was started in. */
function requireFrom(moduleUrl: string | undefined): NodeJS.Require {
  return createRequire(moduleUrl ?? join(process.cwd(), 'index.js'))
}

/**
 * Loads an addon of this project: from the package of prebuilt addons for this platform, else from what was built in the package itself.
 * @param name - of the addon, and of its package below `@sendzc/`
 * @param moduleUrl - `import.meta.url` of a module one folder below the package's own; undefined where a bundler left none
 * @throws ZeroCopyError ERR_ZC_PLATFORM where the runtime or the platform is none that an addon exists for; its cause is an AggregateError of
 *   why neither place has one
 */
export function loadAddon(name: string, moduleUrl: string | undefined): unknown {
  const of = `@sendzc/${name}`
  const unfit = Object.keys(UNFIT_RUNTIMES).find((runtime) => process.versions[runtime] !== undefined)
  if (unfit !== undefined) {
    throw new ZeroCopyError('ERR_ZC_PLATFORM', `The addon of ${of} cannot run here: ${UNFIT_RUNTIMES[unfit]}`, {
      remedy: 'Run on Node.js 20.19 or newer.',
    })
  }
  if (process.platform !== 'linux') {
    throw new ZeroCopyError('ERR_ZC_PLATFORM', `The addon of ${of} uses interfaces of Linux, and this is ${process.platform}.`, {
      remedy: 'Run on Linux 4.14 or newer.',
    })
  }
  const require = requireFrom(moduleUrl)
  const places = [
    () => require(`${platformPackage()}/${name}.node`) as unknown,
    // What was built in the package itself: in a checkout, or by `npx sendzc build-addons`.
    () => (require('node-gyp-build') as (folder: string) => unknown)(dirname(dirname(fileURLToPath(moduleUrl ?? '')))),
  ]
  const causes: unknown[] = []
  for (const load of places) {
    try {
      return load()
    } catch (cause) {
      causes.push(cause)
    }
  }
  throw new ZeroCopyError(
    'ERR_ZC_PLATFORM',
    `The addon of ${of} could not be loaded: ${platformPackage()} does not give it, and none was built.`,
    {
      cause: new AggregateError(causes),
      remedy: `Install ${platformPackage()} (an optional dependency; --omit=optional leaves it out), or build from source: npx sendzc build-addons.`,
    },
  )
}
