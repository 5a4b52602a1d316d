import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { IP_TRANSPORTS, TRANSPORTS } from '../cells/cell.js'
import type { Command } from '../cli/command.js'
import { parseCommandLine, read } from '../cli/command-line.js'
import { ExitStatus, type ExitStatusCode } from '../cli/failure.js'
import { serveTransports } from '../ends/served-transports.js'
import { socketSettings } from '../ends/socket-settings.js'
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
  const receivers: AsyncDisposable[] = []
  try {
    if (options.rpc) {
      const responder = await RpcResponder.start({ host: '::', port: options.port, cpu: options.cpu ?? null })
      receivers.push(responder)
      process.stdout.write(`Ready for ${options.minutes} min: bench rpc --to ${hostname()}:${responder.port}\n`)
      await delay(options.minutes * 60_000, undefined, { signal: stop.signal }).catch(() => undefined)
      return ExitStatus.Ok
    }
    const port = await serveTransports(options.transports, { port: options.port, cpu: options.cpu ?? null, settings }, receivers)
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

/** `bench serve`. */
export const serveCommand: Command = {
  about:
    'Receives, and discards, what `--to HOST:PORT` of the other commands sends from another machine. Ends by Ctrl-C or after --minutes.',
  options: SERVE_OPTIONS,
  run: serve,
}
