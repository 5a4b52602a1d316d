import { BACKENDS } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { parseCommandLine, read } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { type HttpCounts, httpTurn } from '../http/http-turn.js'
import { probeBackends, selectBackends } from '../machine/backends.js'
import { chooseProcessors } from '../machine/processors.js'
import { WIRE_SENTENCE, wireSettingsText } from '../record/wire-settings.js'
import { httpTable } from '../tables/http-table.js'
import { WireNamespace } from '../wire/wire-namespace.js'
import { WIRE_OPTIONS, wireOf } from '../wire/wire-options.js'
import { buildWirePrograms } from '../wire/wire-programs.js'

/** The sizes of the transparent mode's bars. About five minutes with two backends. */
const DEFAULTS = { sizes: '1K,16K,256K,4M', connections: 8, warmupMs: 2_000, runtimeMs: 500, rounds: 7 } as const
/** Backends that share memory. */
const HTTP_BACKENDS = BACKENDS.filter((backend) => backend !== 'copy')

/** Options of `bench http`. */
export const HTTP_OPTIONS = {
  sizes: {
    value: 'LIST',
    help: `bytes of a body, K and M allowed (default ${DEFAULTS.sizes})`,
    schema: read.wholes(1, 1_073_741_824, true).prefault(DEFAULTS.sizes),
  },
  backends: {
    value: 'LIST',
    help: `beneath the transparent mode, out of ${HTTP_BACKENDS.join(',')} (default errqueue-recvmmsg,uring)`,
    schema: read.words(HTTP_BACKENDS).prefault('errqueue-recvmmsg,uring'),
  },
  connections: {
    value: 'N',
    help: `of the client (default ${DEFAULTS.connections})`,
    schema: read.whole(1, 10_000).default(DEFAULTS.connections),
  },
  bodies: {
    value: 'N',
    help: 'different bodies, served in turn (default 1, which stays in the caches of the processor)',
    schema: read.whole(1, 65_536).default(1),
  },
  pool: { help: 'bodies in the memory of bufferPool(): huge pages, where the kernel gives them', schema: read.flag.default(false) },
  close: { help: 'a connection for each request (over loopback)', schema: read.flag.default(false) },
  rounds: { value: 'N', help: `turns of each path (default ${DEFAULTS.rounds})`, schema: read.whole(1, 1_000).default(DEFAULTS.rounds) },
  'runtime-ms': {
    value: 'MS',
    help: `of one turn (default ${DEFAULTS.runtimeMs})`,
    schema: read.whole(1, 600_000).default(DEFAULTS.runtimeMs),
  },
  'warmup-ms': {
    value: 'MS',
    help: `before each turn: code is compiled, and the mode learns of the way (default ${DEFAULTS.warmupMs})`,
    schema: read.whole(0, 600_000).default(DEFAULTS.warmupMs),
  },
  ...WIRE_OPTIONS,
}

async function http(args: readonly string[]): Promise<ExitStatusCode> {
  const options = parseCommandLine(args, HTTP_OPTIONS)
  const { sizes, connections, bodies, pool, rounds, close: closes, 'runtime-ms': runtimeMs, 'warmup-ms': warmupMs } = options
  const settings = wireOf(options)
  if (settings !== undefined && closes) throw new BenchFailure("--close: the wire's client keeps its connections.")
  const { backends, notes } = selectBackends(options.backends, probeBackends(options.backends))
  const paths = ['plain', ...backends]
  const { receiver } = await chooseProcessors(undefined)
  using namespace = settings === undefined ? undefined : WireNamespace.create(settings.mtuBytes)
  const wire = settings && namespace && { namespace, settings, programs: await buildWirePrograms(), cpu: receiver }
  const rows = sizes.flatMap((sizeBytes) => paths.map((path) => ({ sizeBytes, path, turns: [] as HttpCounts[] })))
  for (const sizeBytes of sizes) {
    const ofSize = rows.filter((row) => row.sizeBytes === sizeBytes)
    for (let round = 0; round < rounds; round++) {
      process.stderr.write(`${sizeBytes} bytes, round ${round + 1} of ${rounds}\n`)
      // Each round begins with another path.
      for (const at of ofSize.keys()) {
        const row = ofSize[(at + round) % ofSize.length] as (typeof rows)[number]
        row.turns.push(await httpTurn({ path: row.path, sizeBytes, connections, bodies, pool, warmupMs, runtimeMs, closes, wire }))
      }
    }
  }
  const lines = [
    `Responses of node:http, ${connections} connections${closes ? ', one for each request' : ', kept'},`,
    `${bodies} ${bodies === 1 ? 'body' : 'bodies in turn'}${pool ? ' in a pool' : ''}, ${rounds} rounds of ${runtimeMs} ms, each after ${warmupMs} ms:`,
    'without the transparent mode (plain) and with it, by backend.',
    ...(settings === undefined ? ['Over loopback, to a client in a process of its own.'] : [WIRE_SENTENCE, wireSettingsText(settings)]),
    "CPU and rate: the server's CPU time for a response, and its requests a second, against plain; median of the ratios paired by round, least and most.",
    'Copied: share of the shared writes that the kernel copied. The transparent mode stops sharing where the kernel copies (demoteAfterCopied).',
    ...notes,
    '',
    ...httpTable(rows),
  ]
  process.stdout.write(`${lines.filter((line, at) => line !== '' || at > 2).join('\n')}\n`)
  return ExitStatus.Ok
}

/** `bench http`. */
export const httpCommand: Command = {
  about: 'Serves bodies by node:http with the transparent mode and without it, and prints CPU time and requests a second of both.',
  options: HTTP_OPTIONS,
  run: http,
}
