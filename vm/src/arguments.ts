import { usageStatus, VmError } from './errors.js'

/** How the guest's processors are run. See README.md, "Machine models". */
export type MachineModel = 'throughput' | 'instructions' | 'native'

/** The settings of one boot of the guest. */
export interface GuestOptions {
  /** Boot the kernel with KASAN and lockdep. */
  readonly debug: boolean
  /** bzImage of a kernel that somebody else has built; `undefined` for the one of this checkout. */
  readonly kernelImage: string | undefined
  readonly model: MachineModel
  /** Page-table isolation: the dearer system call. */
  readonly pti: 'on' | 'off'
  /** Virtual processors. */
  readonly cpus: number
  readonly memoryMib: number
  /** Two virtio-net interfaces, the second one in the guest's network namespace `peer`. */
  readonly net: boolean
  /** Limit for the whole run of the command, boot excluded. */
  readonly timeoutS: number
  /** Kernel settings to make before the command, as [name, value]. */
  readonly sysctls: readonly (readonly [name: string, value: string])[]
  /** Host folder that the guest may write to; `undefined` for `results` in the checkout. */
  readonly outputFolder: string | undefined
  /** Additional environment of the command. */
  readonly environment: readonly (readonly [name: string, value: string])[]
}

/** The boots of `vm test`, in order. */
export const testBoots = ['selftests', 'loopback', 'loopback-zerocopy', 'net'] as const
/** One boot of `vm test`. */
export type TestBoot = (typeof testBoots)[number]

/** A parsed command line. */
export type VmCommand =
  | { readonly command: 'help' }
  | { readonly command: 'build'; readonly debug: boolean }
  | { readonly command: 'test'; readonly debug: boolean; readonly boots: readonly TestBoot[] }
  | { readonly command: 'run'; readonly guest: GuestOptions; readonly argv: readonly string[] }

/** Virtual processors that the kernel's config allows (CONFIG_NR_CPUS). */
export const maxCpus = 8
/** Longest run that can be asked for: one day. */
export const maxTimeoutS = 86_400

/** Defaults of `vm run`. */
export const defaultGuestOptions: GuestOptions = {
  debug: false,
  kernelImage: undefined,
  model: 'native',
  pti: 'off',
  cpus: 2,
  memoryMib: 2048,
  net: false,
  timeoutS: 1800,
  sysctls: [],
  outputFolder: undefined,
  environment: [],
}

export const usage = `usage:
  vm build [--debug]
  vm run [options] -- COMMAND [ARGUMENT...]
  vm test [--debug] [--only BOOT]...     BOOT: ${testBoots.join(', ')}

options of run:
  --debug                boot the kernel with KASAN and lockdep
  --kernel FILE          boot this bzImage instead of building one
  --model MODEL          native (KVM, falls back to throughput and says so; default),
                         throughput (multi-threaded emulation), instructions (virtual time counts instructions)
  --pti on|off           page-table isolation (default off)
  --cpus N               virtual processors, 1-${maxCpus} (default 2; instructions has exactly 1)
  --memory-mib N         memory of the guest (default 2048)
  --net                  eth0 10.77.0.1/24 fd77::1/64 here, eth1 10.77.0.2/24 fd77::2/64 in the namespace "peer"; needs root
  --timeout-s N          limit for the command, 1-${maxTimeoutS} (default 1800); status 124 when it is over
  --sysctl NAME=VALUE    set before the command runs; may be repeated
  --env NAME=VALUE       environment of the command; may be repeated
  --out FOLDER           host folder that the guest may write to (default results), SENDZC_VM_OUT in the guest

exit status: that of COMMAND; 124 timeout; 125 the guest did not boot, panicked or could not be set up; 2 usage`

function usageError(message: string): VmError {
  return new VmError(`${message}\n\n${usage}`, usageStatus)
}

function parseInteger(option: string, text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) throw usageError(`${option} takes a whole number from ${min} to ${max}, not "${text}"`)
  return value
}

function parseChoice<T extends string>(option: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text)
  if (found === undefined) throw usageError(`${option} takes ${choices.join(', ')}, not "${text}"`)
  return found
}

function parsePair(option: string, text: string, name: RegExp): readonly [string, string] {
  const at = text.indexOf('=')
  const key = text.slice(0, Math.max(at, 0))
  if (!name.test(key)) throw usageError(`${option} takes NAME=VALUE, not "${text}"`)
  return [key, text.slice(at + 1)]
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const valueOptions: Record<string, (text: string, guest: Mutable<GuestOptions>, given: Set<string>) => void> = {
  '--kernel': (text, guest) => {
    guest.kernelImage = text
  },
  '--model': (text, guest) => {
    guest.model = parseChoice('--model', text, ['throughput', 'instructions', 'native'])
  },
  '--pti': (text, guest) => {
    guest.pti = parseChoice('--pti', text, ['on', 'off'])
  },
  '--cpus': (text, guest, given) => {
    guest.cpus = parseInteger('--cpus', text, 1, maxCpus)
    given.add('cpus')
  },
  '--memory-mib': (text, guest) => {
    guest.memoryMib = parseInteger('--memory-mib', text, 256, 65_536)
  },
  '--timeout-s': (text, guest) => {
    guest.timeoutS = parseInteger('--timeout-s', text, 1, maxTimeoutS)
  },
  '--sysctl': (text, guest) => {
    guest.sysctls = [...guest.sysctls, parsePair('--sysctl', text, /^[a-z0-9_-]+(?:[./][a-z0-9_-]+)*$/i)]
  },
  '--env': (text, guest) => {
    guest.environment = [...guest.environment, parsePair('--env', text, /^[A-Za-z_][A-Za-z0-9_]*$/)]
  },
  '--out': (text, guest) => {
    guest.outputFolder = text
  },
}

function parseRun(args: readonly string[]): VmCommand {
  const guest: Mutable<GuestOptions> = { ...defaultGuestOptions }
  const given = new Set<string>()
  let at = 0
  for (; at < args.length; at++) {
    const arg = args[at] as string
    if (arg === '--') break
    const [name, inline] = splitOption(arg)
    if (name === '--debug' && inline === undefined) guest.debug = true
    else if (name === '--net' && inline === undefined) guest.net = true
    else {
      const accept = Object.hasOwn(valueOptions, name) ? valueOptions[name] : undefined
      if (accept === undefined) throw usageError(`unknown option "${arg}" (the command comes after --)`)
      const value = inline ?? args[++at]
      if (value === undefined || (inline === undefined && value === '--')) throw usageError(`${name} needs a value`)
      accept(value, guest, given)
    }
  }
  const argv = args.slice(at + 1)
  if (argv.length === 0) throw usageError('vm run needs a command after --')
  if (guest.debug && guest.kernelImage !== undefined) throw usageError('--kernel and --debug each name a kernel')
  if (guest.model === 'instructions') {
    if (given.has('cpus') && guest.cpus !== 1) throw usageError('--model instructions has exactly one processor')
    guest.cpus = 1
  }
  return { command: 'run', guest, argv }
}

function splitOption(arg: string): [name: string, inline: string | undefined] {
  const at = arg.indexOf('=')
  return arg.startsWith('--') && at > 0 ? [arg.slice(0, at), arg.slice(at + 1)] : [arg, undefined]
}

/**
 * Parses the command line of the harness.
 *
 * @param args without the interpreter and the script
 * @throws VmError with status 2 and the usage text
 */
export function parseArguments(args: readonly string[]): VmCommand {
  const [command, ...rest] = args[0] === '--' ? args.slice(1) : args
  if (command === undefined) throw usageError('which command?')
  if (command === 'help' || command === '--help' || command === '-h') return { command: 'help' }
  if (command === 'run') {
    return rest[0] === '--help' || rest[0] === '-h' ? { command: 'help' } : parseRun(rest)
  }
  if (command !== 'build' && command !== 'test') throw usageError(`unknown command "${command}"`)
  return parseBuildOrTest(command, rest)
}

function parseBuildOrTest(command: 'build' | 'test', args: readonly string[]): VmCommand {
  let debug = false
  const only: TestBoot[] = []
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] as string
    const [name, inline] = splitOption(arg)
    if (arg === '--help' || arg === '-h') return { command: 'help' }
    if (arg === '--debug') debug = true
    else if (command === 'test' && name === '--only') only.push(parseChoice('--only', inline ?? args[++at] ?? '', testBoots))
    else throw usageError(`vm ${command} does not know "${arg}"`)
  }
  if (command === 'build') return { command, debug }
  return { command, debug, boots: only.length === 0 ? testBoots : testBoots.filter((boot) => only.includes(boot)) }
}
