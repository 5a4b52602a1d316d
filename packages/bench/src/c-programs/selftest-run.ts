import { readFile } from 'node:fs/promises'
import { type Cell, familyOf, isStream } from '../cells/cell.js'
import type { Turn } from '../cells/turn.js'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import type { Destination } from '../ends/connect.js'
import type { SocketSettings } from '../ends/socket-settings.js'
import type { Row } from '../record/record.js'
import { CutOff, runProgram } from './child-program.js'
import { CONGESTION_VARIABLE, type Selftests } from './selftests.js'

/**
 * Time for which both selftests send with `-t 1`, in ms (their parse_opts: 200 + seconds * 1000). With `-t 0` io_uring_zerocopy_tx divides
 * by zero.
 */
export const SELFTEST_RUNTIME_MS = 1_200

/** Most bytes of one send of either program: a whole IP packet less the headers of IPv6 and TCP and 40 bytes of options (their parse_opts). */
export const MAX_SELFTEST_BYTES = 65_435

/** How long a selftest may take in all, in ms: it ends by itself, and then waits up to 500 ms for notifications. */
const SELFTEST_TIMEOUT_MS = 15_000

/** Bytes that both programs call MB. */
const MEBIBYTE = 1_048_576

/**
 * Arguments of one selftest for a cell, as its parse_opts reads them. Both selftests send to the same receiver as this program. `-m 1` is
 * SEND_ZC like the driver `uring`, `-m 2` the same from registered buffers, like `uring-fixed`.
 */
export function selftestArguments(cell: Cell, destination: Destination, cpu: number | null): string[] {
  const common = [
    `-${familyOf(cell.transport)}`,
    '-D',
    destination.host,
    '-p',
    String(destination.port),
    '-s',
    String(cell.sizeBytes),
    '-t',
    '1',
  ]
  const protocol = isStream(cell.transport) ? 'tcp' : 'udp'
  if (cell.backend !== 'c-msg_zerocopy')
    return [...common, '-m', cell.backend === 'c-io_uring' ? '1' : '2', '-n', String(cell.interval), protocol]
  return [...common, '-z', '-l', String(cell.interval), ...(cpu === null ? [] : ['-C', String(cpu)]), protocol]
}

/** The output of a selftest. */
export interface SelftestResult {
  sends: number
  /** Rounded down to 2^20 by the program. */
  bytes: number
  /** Notified ids; null where the program does not print them. */
  notifiedIds: number | null
  /** Whether the last notification said zero-copy; null where the program does not print it. */
  zerocopy: boolean | null
}

/**
 * Reads the line that a selftest prints at its end.
 * @throws BenchFailure when there is none
 */
export function parseSelftest(output: string): SelftestResult {
  const errqueue = /tx=(\d+) \((\d+) MB\) txc=(\d+) zc=([yn])/u.exec(output)
  if (errqueue !== null) {
    const [, tx, megabytes, completions, zerocopy] = errqueue
    return { sends: Number(tx), bytes: Number(megabytes) * MEBIBYTE, notifiedIds: Number(completions), zerocopy: zerocopy === 'y' }
  }
  const ring = /tx=(\d+) \(MB=(\d+)\)/u.exec(output)
  if (ring !== null) return { sends: Number(ring[1]), bytes: Number(ring[2]) * MEBIBYTE, notifiedIds: null, zerocopy: null }
  throw new BenchFailure(`A selftest printed no result: ${output.slice(0, 200)}`, ExitStatus.Failed)
}

/** What every run of a selftest shares. */
export interface SelftestContext {
  selftests: Selftests
  destination: Destination
  /** CPU of the sender; null = not pinned. */
  cpu: number | null
  settings: SocketSettings
}

/**
 * Runs the kernel's own sender for one cell, to its end. It inherits the CPU that this process is pinned to.
 * @throws CutOff when the user ended it, BenchFailure when it fails
 */
export async function runSelftest(
  cell: Cell,
  { round, position, signal }: Turn,
  { selftests, destination, cpu, settings }: SelftestContext,
): Promise<Row> {
  const program = cell.backend === 'c-msg_zerocopy' ? selftests.msgZerocopy : selftests.ioUring
  if (program === undefined) throw new TypeError(`No program for ${cell.backend}.`)
  const before = await childrenCpuTime()
  const result = parseSelftest(await outputOf(program, selftestArguments(cell, destination, cpu), settings, signal))
  const after = await childrenCpuTime()
  // A datagram is sent whole or not at all, so the count is exact, while the megabytes are rounded down.
  const bytes = isStream(cell.transport) ? result.bytes : result.sends * cell.sizeBytes
  return {
    ...cell,
    ...unknownCosts(),
    round,
    position,
    connections: 1,
    sends: result.sends,
    bytes,
    seconds: SELFTEST_RUNTIME_MS / 1_000,
    cpuUserUs: after.userUs - before.userUs,
    cpuSystemUs: after.systemUs - before.systemUs,
    ...outcomes(result),
  }
}

/** Microseconds of one tick of /proc: USER_HZ is 100 on every architecture that Node.js runs on. */
const TICK_US = 10_000

/**
 * CPU time of the children that have ended (proc(5), /proc/self/stat: cutime, cstime), in steps of 10 ms, which is below 1 % of a
 * selftest's run. It includes the program's start.
 */
async function childrenCpuTime(): Promise<{ userUs: number; systemUs: number }> {
  const stat = await readFile('/proc/self/stat', 'utf8')
  // The second field is the program's name in parentheses and may hold spaces: the third one follows the last of them.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return { userUs: Number(fields[13]) * TICK_US, systemUs: Number(fields[14]) * TICK_US }
}

async function outputOf(
  program: string,
  args: readonly string[],
  { congestionControl }: SocketSettings,
  signal: AbortSignal,
): Promise<string> {
  try {
    const env = { ...process.env, ...(congestionControl === null ? {} : { [CONGESTION_VARIABLE]: congestionControl }) }
    const { stdout, stderr } = await runProgram(program, args, { timeoutMs: SELFTEST_TIMEOUT_MS, env, signal })
    return stdout + stderr
  } catch (error) {
    if (error instanceof CutOff) throw error
    throw new BenchFailure(`The selftest failed: ${messageOf(error)}`, ExitStatus.Failed, error)
  }
}

/** The program reports the outcome of the last notification only; it warns when an earlier one differed. */
function outcomes({
  sends,
  notifiedIds,
  zerocopy,
}: SelftestResult): Pick<Row, 'messages' | 'notifiedIds' | 'zerocopySends' | 'copiedSends'> {
  if (notifiedIds === null || zerocopy === null) return { messages: sends, notifiedIds, zerocopySends: null, copiedSends: null }
  return { messages: sends, notifiedIds, zerocopySends: zerocopy ? notifiedIds : 0, copiedSends: zerocopy ? 0 : notifiedIds }
}

/** Fields of a row that a foreign sender does not report. */
export function unknownCosts() {
  return {
    cpuUserUs: null,
    cpuSystemUs: null,
    notifications: null,
    sendCalls: null,
    collectCalls: null,
    emptyCollectCalls: null,
    callsPerSend: null,
    rangeWidthIds: null,
    partialSends: null,
    fullSockets: null,
    noBuffers: null,
  }
}
