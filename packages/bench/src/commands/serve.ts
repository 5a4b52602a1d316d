import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { ZeroCopyError } from '@sendzc/core'
import type { Receiver } from '@sendzc/socket'
import { familyOf, IP_TRANSPORTS, type IpTransport, isStream, TRANSPORTS } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { parseCommandLine, read } from '../cli/command-line.js'
import { BenchFailure, ExitStatus, type ExitStatusCode, messageOf } from '../cli/failure.js'
import { isSwept, startLoReceiver } from '../ends/lo-sockets.js'
import { type SocketSettings, socketSettings } from '../ends/socket-settings.js'
import { RpcResponder } from '../rpc/rpc-responder.js'

/** How long, in minutes, `bench serve` serves unless told otherwise. */
const DEFAULT_MINUTES = 60

/** Longest service, in minutes: a day. */
const MAX_MINUTES = 1_440

/** Options of `bench serve`. */
export const SERVE_OPTIONS = {
  transports: {
    value: 'LIST',
    help: `out of ${IP_TRANSPORTS.join(',')} (default ${TRANSPORTS.join(',')}); raw and raw-hdrincl, for bench lo, need CAP_NET_RAW`,
    schema: read.words(IP_TRANSPORTS).default([...TRANSPORTS]),
  },
  port: { value: 'PORT', help: 'port of every transport (default: the kernel chooses)', schema: read.whole(0, 65_535).default(0) },
  rpc: { help: 'answer the calls of `bench rpc --to` instead (TCP)', schema: read.flag.default(false) },
  cpu: { value: 'N', help: 'CPU of the receivers', schema: read.whole(0, 8_191).optional() },
  minutes: {
    value: 'N',
    help: `end after this time (default ${DEFAULT_MINUTES})`,
    schema: read.whole(1, MAX_MINUTES).default(DEFAULT_MINUTES),
  },
}

async function serve(args: readonly string[]): Promise<ExitStatusCode> {
  const options = parseCommandLine(args, SERVE_OPTIONS)
  const settings = await socketSettings()
  const stop = new AbortController()
  const onSignal = (): void => stop.abort()
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal)
  const receivers: (Receiver | RpcResponder)[] = []
  try {
    if (options.rpc) {
      const responder = await RpcResponder.start({ host: '::', port: options.port, cpu: options.cpu ?? null })
      receivers.push(responder)
      process.stdout.write(`Ready for ${options.minutes} min: bench rpc --to ${hostname()}:${responder.port}\n`)
      await delay(options.minutes * 60_000, undefined, { signal: stop.signal }).catch(() => undefined)
      return ExitStatus.Ok
    }
    let port = options.port
    const served = new Set<IpTransport>()
    // IPv6 first: its sockets take IPv4 as well, unless net.ipv6.bindv6only says otherwise.
    for (const transport of [...options.transports].sort((a, b) => familyOf(b) - familyOf(a))) {
      const receiver = await startServing(transport, port, options.cpu ?? null, settings, served)
      served.add(transport)
      if (receiver === undefined) {
        process.stdout.write(`${transport} on the same port\n`)
        continue
      }
      receivers.push(receiver)
      if (!isSwept(transport)) {
        process.stdout.write(`${transport} on ${receiver.host}, which has no port\n`)
        continue
      }
      // The first one's port is everyone's, so that one --to names them all.
      port = receiver.port
      process.stdout.write(`${transport} on ${familyOf(transport) === 6 ? `[${receiver.host}]` : receiver.host}:${receiver.port}\n`)
    }
    const hint =
      port === 0 ? `bench lo --transports ${options.transports.join(',')} --to ${hostname()}:1` : `bench sweep --to ${hostname()}:${port}`
    process.stdout.write(`Ready for ${options.minutes} min: ${hint}\n`)
    await delay(options.minutes * 60_000, undefined, { signal: stop.signal }).catch(() => undefined)
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    await Promise.all(receivers.map((receiver) => receiver[Symbol.asyncDispose]()))
  }
  return ExitStatus.Ok
}

/**
 * Starts the receiver of a transport, or finds that the IPv6 socket on this port takes IPv4 too (ipv6(7), IPV6_V6ONLY).
 * @throws BenchFailure when the port is someone else's
 */
async function startServing(
  transport: IpTransport,
  port: number,
  cpu: number | null,
  settings: SocketSettings,
  served: ReadonlySet<IpTransport>,
): Promise<Receiver | undefined> {
  try {
    return await startLoReceiver(transport, cpu, settings, { host: familyOf(transport) === 6 ? '::' : '0.0.0.0', port })
  } catch (error) {
    const sibling = isStream(transport) ? 'tcp6' : 'udp6'
    if (familyOf(transport) === 4 && served.has(sibling) && ZeroCopyError.is(error) && error.errno === 'EADDRINUSE') return undefined
    const where = isSwept(transport) ? ` on port ${port}` : ''
    throw new BenchFailure(`Cannot serve ${transport}${where}: ${messageOf(error)}`, undefined, error)
  }
}

/** `bench serve`. */
export const serveCommand: Command = {
  about:
    'Receives, and discards, what `--to HOST:PORT` of the other commands sends from another machine. Ends by Ctrl-C or after --minutes.',
  options: SERVE_OPTIONS,
  run: serve,
}
