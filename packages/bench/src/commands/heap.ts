import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { hasLevel } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { parseCommandLine, read, withDefault } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { openEnds } from '../run/ends.js'
import { type HeapGrowth, heapFault, heapGrowth, NOTHING_BYTES, WAIT_BYTES } from '../run/heap-growth.js'
import { COMMON_OPTIONS } from '../run/run-options.js'
import { withEnds, withStage } from '../run/stage.js'
import { cellContext } from '../run/with-run.js'
import { textTable } from '../tables/text-table.js'
import { WIRE_OPTIONS } from '../wire/wire-options.js'

const DEFAULTS = { sends: 1_000_000, sizeBytes: 1_024, interval: 8 } as const

/**
 * Young generation of the measuring process, in MiB: so large that nothing is collected while it sends, so that growth is all that
 * was allocated. Three semi-spaces of this size are reserved, not touched.
 */
const SEMI_SPACE_MIB = 512

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
      const body: string[][] = []
      const faults: string[] = []
      for (const transport of ends.transports) {
        for (const backend of stage.backends.filter((one) => hasLevel(one, 'driver'))) {
          process.stderr.write(`${transport} ${backend}: ${sends} sends\n`)
          const cell = { transport, backend, level: 'driver', interval, sizeBytes: size } as const
          const growth = await heapGrowth(cell, sends, cellContext(stage, ends), gc)
          body.push([transport, backend, ...growthCells(growth)])
          const fault = heapFault(growth)
          if (fault !== undefined) faults.push(`${transport} ${backend}: ${fault}.`)
        }
      }
      const header = ['transport', 'path', 'allocated B/send', 'retained B/send', 'collections', 'external B', 'waits', 'allocated B']
      const lines = [
        `Heap growth over ${sends} driver-level sends of ${size} bytes, ${interval} per native call. No collection ran where collections = 0.`,
        '',
        ...textTable(header, body, ['left', 'left']),
        '',
        ...stage.leftOut,
        ...ends.notes,
        ...(faults.length > 0
          ? faults
          : [
              `Nothing is allocated per send (less than ${NOTHING_BYTES} byte each, and ${WAIT_BYTES} for each wait of the benchmark's own).`,
            ]),
      ]
      process.stdout.write(`${lines.join('\n')}\n`)
      return faults.length === 0 ? ExitStatus.Ok : ExitStatus.Failed
    })
  })
}

function growthCells({ sends, allocatedBytes, retainedBytes, collections, externalBytes, waits }: HeapGrowth): string[] {
  return [
    (allocatedBytes / sends).toFixed(3),
    (retainedBytes / sends).toFixed(3),
    String(collections),
    String(externalBytes),
    String(waits),
    String(allocatedBytes),
  ]
}

/** V8 sizes its heap once, at the start, so the measuring happens in a process that was started for it. */
async function rerunWithCollector(args: readonly string[]): Promise<ExitStatusCode> {
  const program = process.argv[1]
  if (program === undefined) throw new BenchFailure('bench heap must be started as a program.')
  const flags = [...process.execArgv, '--expose-gc', `--min-semi-space-size=${SEMI_SPACE_MIB}`, `--max-semi-space-size=${SEMI_SPACE_MIB}`]
  const child = spawn(process.execPath, [...flags, program, 'heap', ...args], { stdio: 'inherit' })
  const [code] = (await once(child, 'exit')) as [number | null]
  return code === ExitStatus.Ok ? ExitStatus.Ok : code === ExitStatus.Usage ? ExitStatus.Usage : ExitStatus.Failed
}

/** `bench heap`. */
export const heapCommand: Command = {
  about: 'Sends at the driver level and shows what that allocates on the JavaScript heap, per send.',
  options: HEAP_OPTIONS,
  run: heap,
}
