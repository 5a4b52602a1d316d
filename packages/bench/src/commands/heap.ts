import { hasLevel } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { parseCommandLine, read, withDefault } from '../cli/command-line.js'
import { ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { rerunWithCollector } from '../run/collector-process.js'
import { openEnds } from '../run/ends.js'
import { heapGrowth } from '../run/heap-growth.js'
import { COMMON_OPTIONS } from '../run/run-options.js'
import { withEnds, withStage } from '../run/stage.js'
import { cellContext } from '../run/with-run.js'
import { heapFaults, heapTable, NOTHING_ALLOCATED, type PathGrowth } from '../tables/heap-table.js'
import { WIRE_OPTIONS } from '../wire/wire-options.js'

const DEFAULTS = { sends: 1_000_000, sizeBytes: 1_024, interval: 8 } as const

/** Options of `bench heap`. */
export const HEAP_OPTIONS = {
  transports: withDefault(COMMON_OPTIONS.transports, 'tcp4,udp4'),
  backends: COMMON_OPTIONS.backends,
  interval: {
    value: 'N',
    help: `messages per native call (default ${DEFAULTS.interval})`,
    schema: read.whole(1, 1_024).default(DEFAULTS.interval),
  },
  size: withDefault(COMMON_OPTIONS.size, DEFAULTS.sizeBytes),
  sends: { value: 'N', help: `sends per path (default ${DEFAULTS.sends})`, schema: read.whole(1, 1_000_000_000).default(DEFAULTS.sends) },
  ...WIRE_OPTIONS,
  cpus: COMMON_OPTIONS.cpus,
  congestion: COMMON_OPTIONS.congestion,
}

async function heap(args: readonly string[]): Promise<ExitStatusCode> {
  const options = parseCommandLine(args, HEAP_OPTIONS)
  const { gc } = globalThis
  if (gc === undefined) return rerunWithCollector(args)
  const { transports, interval, size, sends } = options
  return withStage(options, {}, (stage) => {
    const { processors, settings, wire } = stage
    const open = () => openEnds({ transports, to: undefined, cpu: processors.receiver, settings, wire })
    return withEnds(stage, open, async (ends) => {
      const paths: PathGrowth[] = []
      for (const transport of ends.transports) {
        for (const backend of stage.backends.filter((one) => hasLevel(one, 'driver'))) {
          process.stderr.write(`${transport} ${backend}: ${sends} sends\n`)
          const cell = { transport, backend, level: 'driver', interval, sizeBytes: size } as const
          paths.push({ transport, backend, growth: await heapGrowth(cell, sends, cellContext(stage, ends), gc) })
        }
      }
      const faults = heapFaults(paths)
      const lines = [
        `Heap growth over ${sends} driver-level sends of ${size} bytes, ${interval} per native call. No collection ran where collections = 0.`,
        '',
        ...heapTable(paths),
        '',
        ...stage.leftOut,
        ...ends.notes,
        ...(faults.length > 0 ? faults : [NOTHING_ALLOCATED]),
      ]
      process.stdout.write(`${lines.join('\n')}\n`)
      return faults.length === 0 ? ExitStatus.Ok : ExitStatus.Failed
    })
  })
}

/** `bench heap`. */
export const heapCommand: Command = {
  about: 'Sends at the driver level and shows what that allocates on the JavaScript heap, per send.',
  options: HEAP_OPTIONS,
  run: heap,
}
