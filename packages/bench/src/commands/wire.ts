import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Command } from '../cli/command.js'
import { type OptionValues, parseCommandLine, read } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode, messageOf } from '../cli/failure.js'
import { chooseProcessors } from '../machine/processors.js'
import { WIRE_SENTENCE, wireSettingsText } from '../record/wire-settings.js'
import { WIRE_ADDRESSES, WireNamespace } from '../wire/wire-namespace.js'
import { WIRE_BEHAVIOUR_OPTIONS, wireSettings } from '../wire/wire-options.js'
import { WirePeer } from '../wire/wire-peer.js'
import { buildWirePrograms } from '../wire/wire-programs.js'
import { statusOfSignal } from '../wire/wire-run.js'
import { summaryLines } from '../wire/wire-summary.js'

/** Most connections of the peer as a client: below what it has room for. */
const MAX_CLIENT_CONNECTIONS = 10_000

const DEFAULT_REQUEST = 'GET / HTTP/1.1\\r\\nHost: wire\\r\\n\\r\\n'

/** Options of `bench wire`. */
export const WIRE_COMMAND_OPTIONS = {
  ...WIRE_BEHAVIOUR_OPTIONS,
  client: {
    value: 'PORT',
    help: `the other end connects to this port of ${WIRE_ADDRESSES.near4}, sends a request, and sends it again once the response is whole`,
    schema: read.whole(1, 65_535).optional(),
  },
  family: { value: '4|6', help: 'of the client: IPv4 or IPv6 (default 4)', schema: read.whole(4, 6).prefault('4') },
  connections: {
    value: 'N',
    help: 'of the client (default 1)',
    schema: read.whole(1, MAX_CLIENT_CONNECTIONS).prefault('1'),
  },
  request: {
    value: 'TEXT',
    help: `of the client; \\r and \\n are read (default "${DEFAULT_REQUEST}")`,
    schema: read.path.default(DEFAULT_REQUEST),
  },
  'response-bytes': {
    value: 'BYTES',
    help: 'of the client: a response is whole after so many, headers included; K and M allowed',
    schema: read.whole(1, 1_073_741_824, true).optional(),
  },
  rate: {
    value: 'N',
    help: 'of the client: requests a second over all connections (default 0: each as soon as the last is answered)',
    schema: read.whole(0, 1_000_000).prefault('0'),
  },
}

type WireCommandOptions = OptionValues<typeof WIRE_COMMAND_OPTIONS>

async function wireCommandRun(args: readonly string[]): Promise<ExitStatusCode> {
  const at = args.indexOf('--')
  const command = at < 0 ? [] : args.slice(at + 1)
  const options = parseCommandLine(at < 0 ? args : args.slice(0, at), WIRE_COMMAND_OPTIONS)
  const settings = wireSettings(options)
  const { client } = options
  if (client !== undefined && options['response-bytes'] === undefined)
    throw new BenchFailure('--client: say with --response-bytes when a response is whole.')
  const programs = await buildWirePrograms()
  const { receiver } = await chooseProcessors(undefined)
  using namespace = WireNamespace.create(settings.mtuBytes)
  await using peer = await WirePeer.start({ programs, settings, cpu: receiver, within: (...own) => namespace.command(...own) })
  if (client !== undefined) await connectClient(peer, client, options)
  const before = await peer.stats()
  process.stderr.write(`${welcome(namespace, wireSettingsText(settings)).join('\n')}\n`)
  const status = command.length === 0 ? await untilSignal() : await runCommand(namespace, command)
  const after = await peer.stats()
  process.stderr.write(`${summaryLines(before, after, client !== undefined).join('\n')}\n`)
  return status
}

async function connectClient(peer: WirePeer, port: number, options: WireCommandOptions): Promise<void> {
  const { family, connections, rate } = options
  if (family === 5) throw new BenchFailure('--family: IPv4 or IPv6.')
  const request = options.request.replaceAll('\\r', '\r').replaceAll('\\n', '\n')
  const responseBytes = options['response-bytes'] ?? 1
  await peer.connect({ family: family as 4 | 6, port, connections, request, responseBytes, ratePerSecond: rate })
}

function welcome(namespace: WireNamespace, settings: string): string[] {
  const { near4, near6, far4, far6 } = WIRE_ADDRESSES
  return [
    WIRE_SENTENCE,
    `What is sent to ${far4} or ${far6}, any port, TCP or UDP, goes over it; this end is ${near4} and ${near6}.${settings === '' ? '' : ` ${settings}.`}`,
    `TCP's default there is ${namespace.congestionControl}, which does not pace${pacingText()}. Inside: ip netns exec ${namespace.name} COMMAND`,
  ]
}

/** What a program pays that takes the system's congestion control with it. */
function pacingText(): string {
  const system = readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim()
  return system === 'bbr' ? ' (the system has bbr, which arms a timer for every send: set cubic where CPU time is measured)' : ''
}

/** The command's own answer to Ctrl-C is awaited: it reaches both. */
async function runCommand(namespace: WireNamespace, command: readonly string[]): Promise<ExitStatusCode> {
  const [program, ...args] = namespace.command(...command)
  const { far4, far6, near4, near6 } = WIRE_ADDRESSES
  const env = { ...process.env, SENDZC_WIRE_HOST4: far4, SENDZC_WIRE_HOST6: far6, SENDZC_WIRE_OWN4: near4, SENDZC_WIRE_OWN6: near6 }
  const child = spawn(program, args, { stdio: 'inherit', env })
  const ignore = (): void => undefined
  const forward = (): void => void child.kill('SIGTERM')
  process.on('SIGINT', ignore).on('SIGTERM', forward)
  try {
    const [status, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return (status ?? statusOfSignal(signal ?? 'SIGTERM')) as ExitStatusCode
  } catch (error) {
    throw new BenchFailure(`Cannot run ${command[0] ?? ''}: ${messageOf(error)}`, undefined, error)
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', forward)
  }
}

async function untilSignal(): Promise<ExitStatusCode> {
  process.stderr.write('Ready until Ctrl-C.\n')
  const timer = setInterval(() => undefined, 60_000)
  const stop = new AbortController()
  try {
    await Promise.race([once(process, 'SIGINT', { signal: stop.signal }), once(process, 'SIGTERM', { signal: stop.signal })])
  } finally {
    clearInterval(timer)
    stop.abort()
  }
  return ExitStatus.Ok
}

/** `bench wire`. */
export const wireCommand: Command = {
  about: 'Makes a wire and runs a command in its namespace: bench wire [options] -- COMMAND. Without a command it stays until Ctrl-C.',
  options: WIRE_COMMAND_OPTIONS,
  run: wireCommandRun,
}
