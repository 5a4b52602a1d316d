import { BACKEND_GROUPS, BACKENDS, OTHER_TRANSPORTS, TRANSPORTS } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { read, withDefault } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { checkLoReach, checkLoSizes } from '../ends/lo-sockets.js'
import { type LoContext, runLo } from '../run/lo-cell.js'
import { LoEnds } from '../run/lo-ends.js'
import { loCells } from '../run/lo-plan.js'
import { COMMON_OPTIONS, RUN_OPTIONS, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import type { Stage } from '../run/stage.js'
import { withRunTo } from '../run/with-run.js'
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

async function lo(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('lo', args, LO_OPTIONS)
  const { options } = request
  const isLoopback = options.to === undefined && !options.wire
  const transports = options.transports ?? read.words(LO_TRANSPORTS).parse(isLoopback ? DEFAULTS.transports : DEFAULTS.remoteTransports)
  checkLoSizes(transports, options.size)
  checkLoReach(transports, options)
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
