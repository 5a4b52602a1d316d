import { tmpdir } from 'node:os'
import { BACKEND_GROUPS, BACKENDS } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { read, withDefault } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { type FileCell, runFileCell } from '../run/file-cell.js'
import { COMMON_OPTIONS, RUN_OPTIONS, SIZES_OPTION, turnOptions, WAY_OPTIONS } from '../run/run-options.js'
import { readRequest } from '../run/run-request.js'
import { cellContext, withRun } from '../run/with-run.js'
import { filesTables } from '../tables/files-table.js'

const STREAMS = ['tcp4', 'tcp6'] as const
const DEFAULTS = { backends: 'copy', sizes: '64K,1M', interval: '1', runtimeMs: 500, rounds: 7 } as const

/** Options of `bench files`. */
export const FILES_OPTIONS = {
  transports: { value: 'LIST', help: `out of ${STREAMS.join(',')} (default tcp4)`, schema: read.words(STREAMS).prefault('tcp4') },
  backends: {
    value: 'LIST',
    help: `writeFile() over each of ${BACKENDS.join(',')} (default ${DEFAULTS.backends})`,
    schema: read.words(BACKENDS, BACKEND_GROUPS).prefault(DEFAULTS.backends),
  },
  sizes: withDefault(SIZES_OPTION, DEFAULTS.sizes),
  intervals: withDefault({ ...COMMON_OPTIONS.intervals, help: 'files outstanding; messages of one native call in C' }, DEFAULTS.interval),
  folder: {
    value: 'DIR',
    help: 'where the files lie (default the temporary folder; the loop in C sends memory, as a file in /dev/shm is)',
    schema: read.path.default(tmpdir()),
  },
  ...turnOptions(DEFAULTS),
  ...RUN_OPTIONS,
  ...WAY_OPTIONS,
}

async function files(args: readonly string[]): Promise<ExitStatusCode> {
  const request = await readRequest('files', args, FILES_OPTIONS)
  const { options } = request
  return withRun(request, { prepare: () => ({}) }, async (run, ends) => {
    const context = cellContext(run, ends)
    const cells = ends.transports.flatMap((transport) =>
      options.sizes.flatMap((sizeBytes) =>
        options.intervals.flatMap((interval): FileCell[] => [
          { transport, interval, sizeBytes, backend: 'sendfile', level: 'driver' },
          { transport, interval, sizeBytes, backend: 'copy', level: 'writer' },
          { transport, interval, sizeBytes, backend: 'net.Socket.write', level: 'peer', variant: 'createReadStream' },
          ...run.backends.map((backend): FileCell => ({ transport, interval, sizeBytes, backend, level: 'writer', variant: 'writeFile' })),
        ]),
      ),
    )
    const outcome = await run.measure(cells, (cell, turn) => runFileCell(cell, turn, context, options.folder))
    return {
      outcome,
      print: (rows) => [
        'Files by each way: median over the rounds; CPU time of the sending process per byte over that of the loop in C and of the stream, medians of the',
        'ratios paired by round with their bootstrap 95 % intervals.',
        ...filesTables(rows),
      ],
      footer: [`Files in ${options.folder}.`, 'A receiver on this machine copies what it takes; a wire takes nothing into memory.'],
    }
  })
}

/** `bench files`. */
export const filesCommand: Command = {
  about: 'Files by writeFile(), beside a loop of sendfile(2) in C and pipeline(createReadStream, socket).',
  options: FILES_OPTIONS,
  run: files,
}
