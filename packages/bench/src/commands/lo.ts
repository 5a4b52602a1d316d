import { type AnyTransport, BACKEND_GROUPS, BACKENDS, isIpTransport, OTHER_TRANSPORTS, TRANSPORTS } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { type OptionValues, read, withDefault } from '../cli/command-line.js'
import { BenchFailure, type ExitStatusCode } from '../cli/failure.js'
import { isSwept, MAX_LO_MESSAGE_BYTES, MIN_LO_MESSAGE_BYTES } from '../ends/lo-sockets.js'
import { type LoCell, type LoContext, refusal, runLo } from '../run/lo-cell.js'
import { LoEnds } from '../run/lo-ends.js'
import { COMMON_OPTIONS, RUN_OPTIONS, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import type { Stage } from '../run/stage.js'
import { type Run, withRunTo } from '../run/with-run.js'
import { loTable } from '../tables/lo-table.js'

const LO_TRANSPORTS = [...TRANSPORTS, ...OTHER_TRANSPORTS] as const
const DRIVER_BACKENDS = BACKENDS.filter((backend) => backend !== 'auto')

const DEFAULTS = {
  transports: ['tcp4', 'udp4', ...OTHER_TRANSPORTS].join(','),
  remoteTransports: 'tcp4,udp4',
  backends: 'copy,errqueue-recvmsg',
  interval: '1',
  runtimeMs: 400,
  rounds: 5,
} as const

/** Options of `bench lo`. */
export const LO_OPTIONS = {
  transports: {
    value: 'LIST',
    help: `out of ${LO_TRANSPORTS.join(',')} (default ${DEFAULTS.transports}; with --to or --wire ${DEFAULTS.remoteTransports}); raw4, raw-hdrincl4 and packet need CAP_NET_RAW`,
    schema: read.words(LO_TRANSPORTS).optional(),
  },
  backends: {
    value: 'LIST',
    help: `out of ${DRIVER_BACKENDS.join(',')}, and errqueue for both of its (default ${DEFAULTS.backends})`,
    schema: read.words(DRIVER_BACKENDS, BACKEND_GROUPS).prefault(DEFAULTS.backends),
  },
  intervals: withDefault(COMMON_OPTIONS.intervals, DEFAULTS.interval),
  size: { ...COMMON_OPTIONS.size, help: 'bytes of one send, headers that the sender writes included (default 65000)' },
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

type LoOptions = OptionValues<typeof LO_OPTIONS>

/** @throws BenchFailure for a size that a transport cannot carry */
function checkSizes(transports: readonly AnyTransport[], sizeBytes: number): void {
  for (const transport of transports) {
    const most = MAX_LO_MESSAGE_BYTES[transport]
    if (most !== undefined && sizeBytes > most)
      throw new BenchFailure(
        `--size: ${sizeBytes} bytes do not fit one ${transport} message (at most ${most}); leave it out of --transports.`,
      )
  }
  if (sizeBytes < MIN_LO_MESSAGE_BYTES)
    throw new BenchFailure(`--size: ${sizeBytes} bytes hold no header of RAW or PACKET (at least ${MIN_LO_MESSAGE_BYTES}).`)
}

/** @throws BenchFailure for a transport that the bytes cannot go by there */
function checkReach(transports: readonly AnyTransport[], { to, wire }: Pick<LoOptions, 'to' | 'wire'>): void {
  const near = transports.filter((transport) => (wire ? !isSwept(transport) : to !== undefined && !isIpTransport(transport)))
  if (near.length === 0) return
  const why = wire ? 'go over no wire' : 'cannot reach another machine here'
  throw new BenchFailure(`--${wire ? 'wire' : 'to'}: ${near.join(' and ')} ${why}; leave it out of --transports.`)
}

/** Every cell that this kernel can send, after one send of each. */
async function loCells(options: LoOptions, { backends, record }: Run, ends: LoEnds, context: LoContext): Promise<LoCell[]> {
  const cells: LoCell[] = []
  for (const transport of ends.destinations.keys()) {
    for (const backend of backends) {
      const why = await refusal(transport, backend, context)
      if (why !== undefined) ends.leftOut.push({ transport, backend, why })
      else for (const interval of options.intervals) cells.push({ transport, backend, level: 'driver', interval, sizeBytes: options.size })
    }
  }
  const notes = ends.leftOut.map(
    ({ transport, backend, why }) => `Left out: ${transport}${backend === undefined ? '' : ` with ${backend}`}: ${why}`,
  )
  if (cells.length === 0) throw new BenchFailure(`There is nothing to measure. ${notes.join(' ')}`)
  record.note(...notes)
  return cells
}

async function lo(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('lo', args, LO_OPTIONS)
  const { options } = request
  const isLoopback = options.to === undefined && !options.wire
  const transports = options.transports ?? read.words(LO_TRANSPORTS).parse(isLoopback ? DEFAULTS.transports : DEFAULTS.remoteTransports)
  checkSizes(transports, options.size)
  checkReach(transports, options)
  const plan = { paths: DRIVER_BACKENDS, prepare: () => ({ recorded: { transports } }) }
  const open = (stage: Stage) => LoEnds.open(transports, options.transports !== undefined, options.to, stage)
  return withRunTo(request, plan, open, async (run, ends) => {
    const context: LoContext = { destinations: ends.destinations, settings: run.settings, wire: ends.wire }
    const cells = await loCells(options, run, ends, context)
    const outcome = await run.measure(cells, (cell, turn) => runLo(cell, turn, context), {
      groupOf: ({ transport, interval }) => `${transport} ${interval}`,
    })
    return {
      outcome,
      print: (rows) => [
        'Sends in one round, median over the rounds, and their megabytes (10^6): received, sent, and of the sent ones those whose notification came',
        '(txc). Tx over copy: throughput, median of the ratios paired by round, with its bootstrap 95 % interval; slides: theirs, on a loopback that',
        'did not copy at reception. Copied: share of the messages that the kernel copied. Flags: those of the slides’ snd_zerocopy_lo.',
        '',
        ...loTable(rows, ends.leftOut),
      ],
      footer: [`${options.size} bytes a send, headers that the sender writes included.`],
    }
  })
}

/** `bench lo`. */
export const loCommand: Command = {
  about:
    "The slides' snd_zerocopy_lo: sends, receptions and notifications on loopback over TCP, UDP, RAW, PACKET and VSOCK, with and without zero-copy.",
  options: LO_OPTIONS,
  run: lo,
}
