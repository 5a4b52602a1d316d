import { SOCKET_LIMITS } from '@sendzc/socket'
import { checkDatagramSize } from '../cells/plan.js'
import type { Command } from '../cli/command.js'
import { read, withDefault } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { noDelayText } from '../ends/connect.js'
import type { ProbeRecord } from '../record/record.js'
import { PAPER_LEVELS, paperCells, paperGroup, runPaperCell } from '../run/paper-cell.js'
import { paperBackends, preparePaper } from '../run/paper-plan.js'
import { COMMON_OPTIONS, RUN_OPTIONS, turnOptions } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { warmupTurns } from '../run/warmup.js'
import { cellContext, withRun } from '../run/with-run.js'
import { paperTables } from '../tables/paper-table.js'
import { questionTables } from '../tables/question-table.js'
import { WIRE_OPTIONS } from '../wire/wire-options.js'

const DEFAULTS = { runtimeMs: 200, rounds: 7, intervals: '1,32' } as const

/**
 * Pause of our receivers between two rounds of reading, in µs. What arrives in it is acknowledged and released together, so that a notification
 * covers some seven sends, where the selftest's, whose receiver reads on, cover one or two; and the receiver's wake-ups cost less.
 */
const RECEIVER_PAUSE_US = 50

/** Options of `bench paper`. Both ends are here, as in the paper's localhost test, or the other one is the wire. */
export const PAPER_OPTIONS = {
  transports: COMMON_OPTIONS.transports,
  backends: {
    ...COMMON_OPTIONS.backends,
    help: 'paths beside errqueue-recvmsg (default inline; where the kernel lacks it, errqueue-recvmmsg)',
  },
  levels: {
    value: 'LIST',
    help: `out of ${PAPER_LEVELS.join(',')} (default all): selftest is kernel/selftests/zc_throughput`,
    schema: read.words(PAPER_LEVELS).default([...PAPER_LEVELS]),
  },
  intervals: withDefault(COMMON_OPTIONS.intervals, DEFAULTS.intervals),
  size: COMMON_OPTIONS.size,
  nodelay: COMMON_OPTIONS.nodelay,
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WIRE_OPTIONS,
  'receiver-pause-us': {
    value: 'US',
    help: `pause after each round of reading, of the receivers of the levels driver and writer (default ${RECEIVER_PAUSE_US}; 0 = read on, as the selftest's)`,
    schema: read.whole(0, SOCKET_LIMITS.coalesceUs).default(RECEIVER_PAUSE_US),
  },
}

async function paper(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('paper', args, PAPER_OPTIONS)
  const { options } = request
  checkDatagramSize(options.transports, options.size)
  const wanted = (probes: readonly ProbeRecord[]) => paperBackends(options.backends, probes)
  return withRun(request, { wanted, prepare: (stage) => preparePaper(options, stage) }, async (run, ends) => {
    const cells = paperCells({ ...options, transports: ends.transports }, run.backends)
    const context = { ...cellContext(run, ends), noDelay: options.nodelay, program: run.prepared.program, processors: run.processors }
    const outcome = await run.measure(cells, (cell, turn) => runPaperCell(cell, turn, context), {
      groupOf: paperGroup,
      // The C sender has no code to compile, and its memory is new in each process.
      warmups: warmupTurns(cells.filter(({ level }) => level !== 'selftest')),
    })
    return {
      outcome,
      print: (rows) => [
        'MB/s (10^6 bytes): median over the rounds ± half the distance between the quartiles. Gain: over ZC (errqueue, one recvmsg per range), median',
        "of the ratios paired by round, with its bootstrap 95 % interval. Gain, sender's CPU: the same with bytes per second of its CPU time",
        '(CLOCK_PROCESS_CPUTIME_ID). Calls: system calls that send or collect; the C sender also polls once per send, on every path.',
        ...paperTables(rows, run.prepared.mark),
        ...questionTables(rows),
      ],
      footer: [`TCP_NODELAY: ${noDelayText(options.nodelay)}; C selftest off.`],
    }
  })
}

/** `bench paper`. */
export const paperCommand: Command = {
  about: "Measures the paper's two tables (interval 1 and 32): ZC, New ZC and the gain, from C and TypeScript, beside the published gains.",
  options: PAPER_OPTIONS,
  run: paper,
}
