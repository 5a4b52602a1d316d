import { bufferPool } from '@sendzc/sendmsg'
import { BACKEND_GROUPS, BACKENDS, type OwnCell } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { read, withDefault } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { makePayload } from '../ends/payload.js'
import { ProcessorMeter } from '../machine/processor-meter.js'
import { runCell } from '../run/cell-runner.js'
import { COMMON_OPTIONS, RUN_OPTIONS, SIZES_OPTION, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { cellContext, withRun } from '../run/with-run.js'
import { pagesTable } from '../tables/pages-table.js'

const ZEROCOPY_BACKENDS = BACKENDS.filter((backend) => backend !== 'copy' && backend !== 'auto')
const DEFAULTS = { backends: 'errqueue-recvmmsg', sizes: '64K,256K,1M', interval: '8', runtimeMs: 300, rounds: 7 } as const

/** Options of `bench pages`. */
export const PAGES_OPTIONS = {
  transports: withDefault(COMMON_OPTIONS.transports, 'tcp4'),
  backends: {
    value: 'LIST',
    help: `out of ${ZEROCOPY_BACKENDS.join(',')} (default ${DEFAULTS.backends})`,
    schema: read.words(ZEROCOPY_BACKENDS, BACKEND_GROUPS).prefault(DEFAULTS.backends),
  },
  sizes: withDefault(SIZES_OPTION, DEFAULTS.sizes),
  intervals: withDefault(COMMON_OPTIONS.intervals, DEFAULTS.interval),
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

/** Payload of `sizeBytes` in pages of that kind. */
function payloadIn(pages: 'huge' | 'small', sizeBytes: number): Uint8Array {
  const pool = bufferPool({ bytes: sizeBytes, count: 1, hugePages: pages === 'huge' })
  if (pool.pages !== pages)
    throw new BenchFailure('The kernel gives no huge pages now: see `bufferPool` for what it needs.', ExitStatus.Failed)
  const payload = pool.tryAcquire() as Buffer
  payload.set(makePayload(sizeBytes))
  return payload
}

async function pages(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('pages', args, PAGES_OPTIONS)
  const { options } = request
  return withRun(request, { paths: ZEROCOPY_BACKENDS, prepare: () => ({}) }, async (run, ends) => {
    using meter = new ProcessorMeter()
    run.record.note(...meter.notes)
    const context = { ...cellContext(run, ends), meter }
    const payloads = new Map<string, Uint8Array>(
      options.sizes.flatMap((size) => (['huge', 'small'] as const).map((kind) => [`${kind} ${size}`, payloadIn(kind, size)] as const)),
    )
    const cells = ends.transports.flatMap((transport) =>
      options.sizes.flatMap((sizeBytes) =>
        options.intervals.flatMap((interval) =>
          run.backends.flatMap((backend) =>
            ['huge', 'small'].map((variant): OwnCell => ({ transport, backend, level: 'driver', interval, sizeBytes, variant })),
          ),
        ),
      ),
    )
    const outcome = await run.measure(cells, (cell, turn) =>
      runCell(cell, turn, { ...context, payload: payloads.get(`${cell.variant} ${cell.sizeBytes}`) }),
    )
    return {
      outcome,
      print: (rows) => [
        'The same sends from huge pages and from pages of 4 KiB: cost of huge over small pages, medians of the ratios paired by round with their bootstrap',
        '95 % intervals; below 1 = huge pages are cheaper.',
        '',
        ...pagesTable(rows),
      ],
    }
  })
}

/** `bench pages`. */
export const pagesCommand: Command = {
  about: 'Sends from huge pages beside sends from pages of 4 KiB.',
  options: PAGES_OPTIONS,
  run: pages,
}
