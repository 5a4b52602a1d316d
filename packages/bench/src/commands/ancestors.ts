import { ANCESTORS, BACKEND_GROUPS, BACKENDS } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { read, withDefault } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { defaultNoDelay, noDelayText } from '../ends/connect.js'
import { ProcessorMeter } from '../machine/processor-meter.js'
import { type AncestorCell, runAncestorCell } from '../run/ancestor-cell.js'
import { COMMON_OPTIONS, RUN_OPTIONS, SIZES_OPTION, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { cellContext, withRun } from '../run/with-run.js'
import { ancestorsTables, FREE_NOTES } from '../tables/ancestors-table.js'

const STREAMS = ['tcp4', 'tcp6'] as const
const DRIVER_BACKENDS = BACKENDS.filter((backend) => backend !== 'auto')
const DEFAULTS = { backends: 'copy,errqueue-recvmmsg', sizes: '4K,64K,1M', interval: '8', runtimeMs: 300, rounds: 5 } as const

/** Options of `bench ancestors`. */
export const ANCESTORS_OPTIONS = {
  transports: { value: 'LIST', help: `out of ${STREAMS.join(',')} (default tcp4)`, schema: read.words(STREAMS).prefault('tcp4') },
  ancestors: { value: 'LIST', help: `out of ${ANCESTORS.join(',')} (default all)`, schema: read.words(ANCESTORS).default([...ANCESTORS]) },
  backends: {
    value: 'LIST',
    help: `beside them, out of ${DRIVER_BACKENDS.join(',')}, and errqueue for both of its (default ${DEFAULTS.backends})`,
    schema: read.words(DRIVER_BACKENDS, BACKEND_GROUPS).prefault(DEFAULTS.backends),
  },
  sizes: withDefault(SIZES_OPTION, DEFAULTS.sizes),
  intervals: withDefault({ ...COMMON_OPTIONS.intervals, help: 'sends of one native call' }, DEFAULTS.interval),
  nodelay: COMMON_OPTIONS.nodelay,
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

async function ancestors(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('ancestors', args, ANCESTORS_OPTIONS)
  const { options } = request
  const prepare = () => ({ recorded: { nodelay: options.nodelay ?? defaultNoDelay('driver') }, notes: FREE_NOTES })
  return withRun(request, { paths: DRIVER_BACKENDS, prepare }, async (run, ends) => {
    using meter = new ProcessorMeter()
    run.record.note(...meter.notes)
    const context = { ...cellContext(run, ends), noDelay: options.nodelay, meter }
    const cells = ends.transports.flatMap((transport) =>
      options.sizes.flatMap((sizeBytes) =>
        options.intervals.flatMap((interval) =>
          [...run.backends, ...options.ancestors].map(
            (backend): AncestorCell => ({ transport, backend, level: 'driver', interval, sizeBytes }),
          ),
        ),
      ),
    )
    const outcome = await run.measure(cells, (cell, turn) => runAncestorCell(cell, turn, context))
    return {
      outcome,
      print: (rows) => [
        'The same bytes through each path: median over the rounds; gain in throughput and percent of CPU time over copy, medians of the ratios paired',
        'by round with their bootstrap 95 % intervals. Copied: share of the messages that the kernel copied; - = the path does not tell.',
        ...ancestorsTables(rows),
      ],
      footer: [`TCP_NODELAY: ${noDelayText(options.nodelay)}.`, 'Interval: sends per native call.'],
    }
  })
}

/** `bench ancestors`. */
export const ancestorsCommand: Command = {
  about: 'The same bytes by sendfile, by splice and by vmsplice + splice, beside copy and zero-copy.',
  options: ANCESTORS_OPTIONS,
  run: ancestors,
}
