import type { Command } from './cli/command.js'
import { HelpWanted, helpText } from './cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode } from './cli/failure.js'
import { textTable } from './tables/text-table.js'

/** Summary and module of each subcommand. */
const COMMANDS: Record<string, { summary: string; load: () => Promise<Command> }> = {
  sweep: {
    summary: "the paper's method: every path, transport and interval (the default)",
    load: async () => (await import('./commands/sweep.js')).sweepCommand,
  },
  sizes: {
    summary: "the slides' evaluation: what zero-copy costs as percent of copying, by size",
    load: async () => (await import('./commands/sizes.js')).sizesCommand,
  },
  lo: {
    summary: "the slides' snd_zerocopy_lo: TCP, UDP, RAW, PACKET and VSOCK on loopback",
    load: async () => (await import('./commands/lo.js')).loCommand,
  },
  ancestors: {
    summary: 'the same bytes by sendfile, splice and vmsplice, beside copy and zero-copy',
    load: async () => (await import('./commands/ancestors.js')).ancestorsCommand,
  },
  files: {
    summary: 'files by writeFile(), beside sendfile in C and pipeline(createReadStream, socket)',
    load: async () => (await import('./commands/files.js')).filesCommand,
  },
  pages: {
    summary: 'sends from huge pages beside sends from pages of 4 KiB',
    load: async () => (await import('./commands/pages.js')).pagesCommand,
  },
  profile: {
    summary: 'where the CPU time of each path goes, sampled by perf',
    load: async () => (await import('./commands/profile.js')).profileCommand,
  },
  rpc: {
    summary: "the slides' RPC benchmark: small and large requests and a mix, by threshold",
    load: async () => (await import('./commands/rpc.js')).rpcCommand,
  },
  paper: {
    summary: "the paper's two tables, from C, driver and writer, beside the published gains",
    load: async () => (await import('./commands/paper.js')).paperCommand,
  },
  serve: { summary: 'receive what another machine sends with --to', load: async () => (await import('./commands/serve.js')).serveCommand },
  peers: {
    summary: "beside the kernel's C selftests, net.Socket.write and dgram.send",
    load: async () => (await import('./commands/peers.js')).peersCommand,
  },
  latency: {
    summary: 'how long a send takes to be sent and released, at fixed rates (open loop)',
    load: async () => (await import('./commands/latency.js')).latencyCommand,
  },
  connections: {
    summary: 'cost of a send at many connections',
    load: async () => (await import('./commands/connections.js')).connectionsCommand,
  },
  datagrams: {
    summary: 'cost of a datagram: addressed, to many receivers and with segments, beside dgram.send',
    load: async () => (await import('./commands/datagrams.js')).datagramsCommand,
  },
  http: {
    summary: 'node:http with the transparent mode and without it: CPU time and requests a second',
    load: async () => (await import('./commands/http.js')).httpCommand,
  },
  heap: { summary: 'heap growth over a million driver-level sends', load: async () => (await import('./commands/heap.js')).heapCommand },
  soak: {
    summary: 'resident memory at a peer that stalls and resumes',
    load: async () => (await import('./commands/soak.js')).soakCommand,
  },
  report: {
    summary: 'one self-contained HTML page from any set of records',
    // It has a help text and a parser of its own: records stand among its arguments.
    load: async () => ({ about: '', options: {}, run: (await import('./report/run-report.js')).runReport }),
  },
  calibrate: {
    summary: 'from which size on zero-copy pays on this machine, and the options for it',
    load: async () => (await import('./commands/calibrate.js')).calibrateCommand,
  },
  wire: {
    summary: 'a wire of its own, and a command of yours in it: bytes leave without a copy',
    load: async () => (await import('./commands/wire.js')).wireCommand,
  },
  doctor: { summary: 'what every backend can do on this host', load: async () => (await import('./commands/doctor.js')).doctorCommand },
}

/**
 * Runs a subcommand; `sweep` when none is named.
 * @param args - arguments behind the program
 * @returns the exit status
 * @throws BenchFailure, and errors of the library
 */
export async function bench(args: readonly string[]): Promise<ExitStatusCode> {
  const [first] = args
  if (first === '--help' || first === '-h' || first === 'help') {
    process.stdout.write(`${overview().join('\n')}\n`)
    return ExitStatus.Ok
  }
  // `pnpm bench -- --size 1M` passes the two dashes on.
  const named = first !== undefined && !first.startsWith('-')
  const name = named ? first : 'sweep'
  const rest = named || first === '--' ? args.slice(1) : args
  const entry = COMMANDS[name]
  if (entry === undefined) throw new BenchFailure(`There is no "${name}"; there are ${Object.keys(COMMANDS).join(', ')}.`)
  const command = await entry.load()
  try {
    return await command.run(rest)
  } catch (error) {
    if (!(error instanceof HelpWanted)) throw error
    process.stdout.write(helpText(`bench ${name} [options]`, command.about, command.options))
    return ExitStatus.Ok
  }
}

function overview(): string[] {
  const rows = Object.entries(COMMANDS).map(([name, { summary }]) => [`  ${name}`, summary])
  return [
    'Usage: bench [COMMAND] [options]',
    '',
    ...textTable(['Command', ''], rows, ['left', 'left']),
    '',
    'bench COMMAND --help lists its options.',
  ]
}
