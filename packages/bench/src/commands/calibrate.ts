import { BACKENDS, isStream, type OwnCell } from '../cells/cell.js'
import { largestSend, plannedCells } from '../cells/plan.js'
import type { Command } from '../cli/command.js'
import { read, withDefault } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { recordedNoDelay } from '../ends/connect.js'
import { measurePaths } from '../run/measure-paths.js'
import { COMMON_OPTIONS, RUN_OPTIONS, SIZES_OPTION, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { withRun } from '../run/with-run.js'
import { advice, calibrationTables } from '../tables/calibration.js'
import { probeWire, wireProbeText } from '../wire/wire-probe.js'
import { isInside } from '../wire/wire-run.js'

/** These take less than a minute with the two transports: some 45 cells, each a tenth of a second with its connection, five times. */
const DEFAULTS = { transports: 'tcp4,udp4', sizes: '2K,4K,8K,16K,32K,60000,128K', runtimeMs: 60, rounds: 5 } as const

/** Paths that are compared with each other; the answer is for `auto`. */
const PATHS = BACKENDS.filter((backend) => backend !== 'auto' && backend !== 'errqueue-recvmsg')

/**
 * Writes under way together: a lone one to a stream, whose message is then of its size, where several would be joined; datagrams as a busy sender
 * makes them.
 */
const TOGETHER = { stream: 1, datagram: 8 } as const

/** Sends between two collections that are tried at the largest size. */
const INTERVALS = [1, 8, 32] as const

/** Options of `bench calibrate`. */
export const CALIBRATE_OPTIONS = {
  transports: withDefault(COMMON_OPTIONS.transports, DEFAULTS.transports),
  sizes: withDefault(SIZES_OPTION, DEFAULTS.sizes),
  loopback: { help: 'measure on loopback though the wire works', schema: read.flag.default(false) },
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

/** Every size at the writer level, and the largest at each interval where a path has one. */
function calibrationCells(transports: readonly OwnCell['transport'][], sizes: readonly number[], backends: readonly OwnCell['backend'][]) {
  const collecting = backends.filter((backend) => backend !== 'copy' && backend !== 'uring')
  return transports.flatMap((transport) => {
    const fitting = sizes.filter((size) => size <= largestSend(transport)).sort((a, b) => a - b)
    const together = isStream(transport) ? TOGETHER.stream : TOGETHER.datagram
    return [
      ...plannedCells({ transports: [transport], sizes: fitting, intervals: [together], levels: ['writer'] }, backends),
      ...plannedCells({ transports: [transport], sizes: fitting.slice(-1), intervals: INTERVALS, levels: ['driver'] }, collecting),
    ]
  })
}

async function calibrate(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('calibrate', args, CALIBRATE_OPTIONS)
  const { options } = request
  const elsewhere = options.wire || options.to !== undefined || options.loopback
  const probe = elsewhere || isInside() ? undefined : await probeWire()
  const wire = options.wire || isInside() || probe?.available === true
  const lacks = probe?.available === false ? [wireProbeText(probe)] : []
  const plan = { paths: PATHS, prepare: () => ({ recorded: recordedNoDelay(undefined), notes: lacks }) }
  return withRun({ ...request, options: { ...options, wire } }, plan, async (run, ends) => {
    const cells = calibrationCells(ends.transports, options.sizes, run.backends)
    const outcome = await measurePaths(run, ends, cells, { noDelay: undefined })
    return {
      outcome,
      print: (rows) => [
        'What sharing memory costs as percent of what copying costs: CPU time of the sending process per byte, median of the ratios paired by round',
        'with its bootstrap 95 % interval, at the writer level. Copied: share of the messages that the kernel copied.',
        ...calibrationTables(rows),
        '',
        ...advice(rows),
      ],
    }
  })
}

/** `bench calibrate`. */
export const calibrateCommand: Command = {
  about:
    'Finds from which size on zero-copy pays on this machine, in under a minute, and prints the options for it. Over a wire where that works.',
  options: CALIBRATE_OPTIONS,
  run: calibrate,
}
