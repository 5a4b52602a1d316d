import { closeSync, openSync } from 'node:fs'
import type { ZeroCopyErrorCode } from '../errors.js'

/** Why an addon could not be loaded. The message goes behind `The addon of NAME cannot be loaded: `. */
export interface AddonFailure {
  code: ZeroCopyErrorCode
  message: string
  remedy: string
  errno?: string
  syscall?: string
}

/** Where an addon was looked for. */
export interface AddonPlaces {
  /** Name of the addon's own package, for example `@sendzc/uring`. */
  packageName: string
  /** Name of the package that carries prebuilt addons for this machine. */
  platformPackage: string
  /** Folder of the addon's own package; undefined where there is none. */
  folder: string | undefined
}

/**
 * Explains why no place gave an addon.
 * @param causes - what was thrown for each place, in their order
 */
export function explainAddonFailure(causes: readonly unknown[], places: AddonPlaces): AddonFailure {
  const left = causes.filter((cause) => !isAbsent(cause))
  for (const cause of [...left, ...causes]) {
    const { code, message } = Object(cause) as { code?: unknown; message?: unknown }
    const known = forbidden(code) ?? noDescriptor(code, String(message))
    if (known !== undefined) return known
  }
  if (left.length === 0) return absent(places)
  const text = firstLine(String((Object(left[0]) as { message?: unknown }).message ?? left[0]))
  return (
    notLinked(text) ?? { code: 'ERR_ZC_PLATFORM', message: `${text}.`, remedy: 'Install the package anew, on the machine that runs it.' }
  )
}

/** Whether the place had no file to load. */
function isAbsent(cause: unknown): boolean {
  const { code, message } = Object(cause) as { code?: unknown; message?: unknown }
  if (code === 'MODULE_NOT_FOUND' || code === 'ERR_MODULE_NOT_FOUND' || code === 'ERR_PACKAGE_PATH_NOT_EXPORTED') return true
  return code === undefined && String(message).includes('No native build was found')
}

function absent({ packageName, platformPackage, folder }: AddonPlaces): AddonFailure {
  if (folder === undefined) {
    return {
      code: 'ERR_ZC_PLATFORM',
      message: `the program was bundled, and neither ${packageName} nor ${platformPackage} is installed where the bundle runs.`,
      remedy: `Install ${packageName} and ${platformPackage} there, and leave them out of the bundle (esbuild: --packages=external): an addon is a file of its own.`,
    }
  }
  return {
    code: 'ERR_ZC_PLATFORM',
    message: `${platformPackage} does not give it, and none was built.`,
    remedy: `Install ${platformPackage} (an optional dependency; --omit=optional leaves it out), or build from source: npx sendzc build-addons.`,
  }
}

function forbidden(code: unknown): AddonFailure | undefined {
  if (code === 'ERR_ACCESS_DENIED') {
    return {
      code: 'ERR_ZC_PERMISSION',
      message: 'the permission model of Node.js does not let this process read it.',
      remedy: 'Start Node.js with --allow-fs-read for the folder of the application and its node_modules, and with --allow-addons.',
    }
  }
  if (code !== 'ERR_DLOPEN_DISABLED') return undefined
  // The permission model allows no addons either, and has a flag that does.
  return 'permission' in process && process.permission !== undefined
    ? {
        code: 'ERR_ZC_PERMISSION',
        message: 'the permission model of Node.js allows no addons in this process.',
        remedy: 'Start Node.js with --allow-addons.',
      }
    : {
        code: 'ERR_ZC_PERMISSION',
        message: 'Node.js was told to load no addons.',
        remedy: 'Start it without --no-addons (also in NODE_OPTIONS, and in the execArgv of a worker).',
      }
}

/**
 * Runs before the search for an addon: a search without a free descriptor finds nothing, reports no error, and Node.js remembers for the life of the
 * process that a package is not there.
 * @returns undefined where a descriptor is left
 */
export function noDescriptorLeft(): AddonFailure | undefined {
  const errno = openingFails()
  return errno === undefined ? undefined : noDescriptor(errno, '')
}

function noDescriptor(code: unknown, message: string): AddonFailure | undefined {
  const errno = /too many open files/iu.test(message) ? 'EMFILE' : code
  if (errno !== 'EMFILE' && errno !== 'ENFILE') return undefined
  return {
    code: 'ERR_ZC_LIMIT',
    message: `there is no descriptor left to open it (${errno}).`,
    remedy:
      errno === 'EMFILE'
        ? 'Close descriptors that are not needed, or raise the limit of open files (ulimit -n).'
        : 'Close descriptors that are not needed, or raise the limit of the system (sysctl fs.file-max).',
    errno,
    syscall: 'open',
  }
}

function openingFails(): 'EMFILE' | 'ENFILE' | undefined {
  try {
    closeSync(openSync('/dev/null', 'r'))
    return undefined
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'EMFILE' || code === 'ENFILE' ? code : undefined
  }
}

/** Messages of the dynamic linker (dlopen(3)); those of glibc and musl differ. */
function notLinked(text: string): AddonFailure | undefined {
  const failure = (why: string, remedy: string): AddonFailure => ({ code: 'ERR_ZC_PLATFORM', message: `${why} (${text}).`, remedy })
  const here = 'Build it on this machine: npx sendzc build-addons.'
  if (/version [`'].*' not found/u.test(text)) return failure('it was built against a newer C or C++ library than this system has', here)
  if (/failed to map segment|operation not permitted/iu.test(text)) {
    return failure('the file system that it lies on forbids execution', 'Install the package on a file system that is not mounted noexec.')
  }
  if (/permission denied/iu.test(text))
    return failure('this user may not read it', 'Let the user that runs the program read the folder of the package.')
  if (/static TLS block/u.test(text)) {
    return failure(
      'there is no room left for the static TLS of another library',
      'Load it before other addons, or start with GLIBC_TUNABLES=glibc.rtld.optional_static_tls=4096.',
    )
  }
  if (/cannot allocate memory/iu.test(text))
    return failure('there is no memory for it', 'Give the process more memory, or raise its limits (ulimit -v).')
  if (
    /wrong ELF class|invalid ELF header|file too short|exec format error|cannot open shared object file.*ld-|Error loading shared library/iu.test(
      text,
    )
  ) {
    return failure('it was built for another processor or C library, or it is damaged', here)
  }
  if (/cannot open shared object file/u.test(text))
    return failure('a library that it needs is missing', 'Install the library that is named.')
  if (/undefined symbol|NODE_MODULE_VERSION|symbol not found/iu.test(text))
    return failure('this runtime lacks what it needs', 'Run on Node.js 20.19 or newer.')
  return undefined
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text
}
