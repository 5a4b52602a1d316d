import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ZeroCopyError } from '../errors.js'
import { type AddonFailure, explainAddonFailure, noDescriptorLeft } from './addon-failure.js'

/** Folders between a package's own and the deepest module that may load its addon. */
const MAX_FOLDERS_UP = 4

/** Runtimes that load Node-API addons but cannot run these, by their name in `process.versions`, with the reason. */
const UNFIT_RUNTIMES: Readonly<Record<string, string>> = {
  bun: 'Bun has no libuv loop that an addon could join: its uv_poll_init ends the process.',
  deno: 'Deno exports no V8 backing store, so that memory cannot be pinned, and its uv_poll does not wake on an epoll instance.',
  electron: "Electron's V8 is built with a C++ library of its own, so that memory cannot be pinned.",
}

/** Which C library this process runs on: the packages of prebuilt addons end in its name. */
export type CLibrary = 'gnu' | 'musl'

/** Finds the C library of this process by the dynamic linker that is mapped into it. */
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

/**
 * Path of a module that knows its URL, else of the bundle that it was put into: one of the format CommonJS has no import.meta.url, and knows its own
 * place by `__filename`.
 */
function modulePath(moduleUrl: string | undefined): string {
  if (moduleUrl?.startsWith('file:')) return fileURLToPath(moduleUrl)
  return typeof __filename === 'string' ? __filename : join(process.cwd(), 'index.js')
}

/**
 * The folder of a package. The module that loads its addon lies in it, unless it was bundled: then the package is looked for as `require` looks for
 * it, from the bundle's folder upwards.
 * @throws what `require.resolve` throws
 */
function packageFolder(packageName: string, path: string): string {
  const own = enclosingPackage(path, packageName)
  if (own !== undefined) return own
  const entry = createRequire(path).resolve(packageName)
  const found = enclosingPackage(entry, packageName)
  if (found === undefined) throw new Error(`${entry} belongs to no package ${packageName}`)
  return found
}

function enclosingPackage(path: string, packageName: string): string | undefined {
  let folder = dirname(path)
  for (let up = 0; up < MAX_FOLDERS_UP; up++) {
    if (nameOfPackage(folder) === packageName) return folder
    folder = dirname(folder)
  }
  return undefined
}

function nameOfPackage(folder: string): unknown {
  const path = join(folder, 'package.json')
  if (!existsSync(path)) return undefined
  return (JSON.parse(readFileSync(path, 'utf8')) as { name?: unknown }).name
}

/** Why no addon of this project can run in this process, and what to do; undefined where one can. */
export function unfitForAddons(): { cause: string; remedy: string } | undefined {
  const runtime = Object.keys(UNFIT_RUNTIMES).find((name) => process.versions[name] !== undefined)
  if (runtime !== undefined)
    return { cause: `cannot run here: ${UNFIT_RUNTIMES[runtime]}`, remedy: 'Run on Node.js 20.19 or newer, or use copy().' }
  if (process.platform === 'linux') return undefined
  return { cause: `uses interfaces of Linux, and this is ${process.platform}.`, remedy: 'Run on Linux 4.14 or newer, or use copy().' }
}

/**
 * Loads an addon of this project: from the package of prebuilt addons for this platform, else from what was built in the package itself.
 * @param name - of the addon, and of its package below `@sendzc/`
 * @param moduleUrl - `import.meta.url` of the module that loads it; undefined where a bundler left none
 * @throws ZeroCopyError ERR_ZC_PLATFORM where no addon exists for the runtime or the platform, or the addon does not load;
 *   ERR_ZC_PERMISSION where Node.js was told to load none; ERR_ZC_LIMIT where no descriptor is left. Its cause is an AggregateError with one error for
 *   each place. It throws no other error.
 */
export function loadAddon(name: string, moduleUrl: string | undefined): unknown {
  const of = `@sendzc/${name}`
  const unfit = unfitForAddons()
  if (unfit !== undefined) throw new ZeroCopyError('ERR_ZC_PLATFORM', `The addon of ${of} ${unfit.cause}`, { remedy: unfit.remedy })
  const exhausted = noDescriptorLeft()
  if (exhausted !== undefined) throw addonError(of, exhausted)
  let folder: string | undefined
  let path = '/'
  let missing: unknown
  try {
    path = modulePath(moduleUrl)
    folder = packageFolder(of, path)
  } catch (cause) {
    missing = cause
  }
  const require = createRequire(folder === undefined ? path : join(folder, 'package.json'))
  const places = [
    () => require(`${platformPackage()}/${name}.node`) as unknown,
    // An addon that was built in the package itself: in a checkout, or by `npx sendzc build-addons`.
    () => {
      if (folder === undefined) throw missing
      return (require('node-gyp-build') as (folder: string) => unknown)(folder)
    },
  ]
  const causes: unknown[] = []
  for (const load of places) {
    try {
      return load()
    } catch (cause) {
      causes.push(cause)
    }
  }
  const failure = explainAddonFailure(causes, { packageName: of, platformPackage: platformPackage(), folder })
  throw addonError(of, failure, new AggregateError(causes))
}

function addonError(of: string, { code, message, ...rest }: AddonFailure, cause?: AggregateError): ZeroCopyError {
  return new ZeroCopyError(code, `The addon of ${of} cannot be loaded: ${message}`, { ...rest, cause })
}
