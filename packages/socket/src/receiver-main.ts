// The receiver process. It receives on a native thread; this file only obeys its parent, and ends with it.
import { ZeroCopyError } from '@sendzc/core'
import { errnoName, parseOptions } from '@sendzc/core/driver'
import { pinProcess } from './cpu-affinity.js'
import { listen } from './listening-socket.js'
import { NativeCommand, NativeReceiveKind, type NativeTotals, native } from './native.js'
import { bindSocket } from './open-socket.js'
import { waitReady } from './ready.js'
import {
  errorToMessage,
  type ReceiverAnswer,
  type ReceiverReport,
  type ReceiverRequest,
  receiverRequestSchema,
} from './receiver-messages.js'
import type { ResolvedReceiverOptions } from './socket-spec.js'
import { systemError } from './system-error.js'

/** Saves a TCP receiver on loopback about a third of its CPU time per byte; longer pauses overflow small buffers. */
const DISCARD_COALESCE_US = 50
/** A wait is bounded by the parent; this only keeps a lost one from lasting for ever. */
const MAX_WAIT_MS = 86_400_000

interface Running {
  id: number
  eventFd: number
}

let running: Running | undefined
let waitAbort: AbortController | undefined

function send(answer: ReceiverAnswer): void {
  // After the parent's end no one reads an answer: 'disconnect' ends this process.
  if (process.connected) process.send?.(answer, () => {})
}

function reportOf(totals: NativeTotals): ReceiverReport {
  const { result: _, error, errorCall, ...counts } = totals
  return { ...counts, error: error === 0 ? null : { errno: errnoName(error), syscall: errorCall } }
}

interface OpenedTarget {
  fd: number
  address: { host: string; port: number }
}

async function openTarget(options: ResolvedReceiverOptions): Promise<OpenedTarget> {
  const { mode, seed, cpu, maxConnections, wakeBytes, coalesceUs, startTimeoutMs, stopTimeoutMs, commandTimeoutMs, ...spec } = options
  const host = 'host' in spec && spec.host !== undefined ? spec.host : 'family' in spec && spec.family === 6 ? '::1' : '127.0.0.1'
  if (spec.protocol === 'tcp' || spec.protocol === 'vsock') {
    const listener = await listen(spec.protocol === 'tcp' ? { ...spec, host } : spec)
    const address = { host: listener.host, port: listener.port }
    return { fd: listener.release(), address }
  }
  const link = spec.protocol === 'packet' || spec.protocol === 'packet-dgram'
  const fd = (await bindSocket(link ? spec : { ...spec, host })).release()
  const named = native().localAddress(fd)
  return { fd, address: { host: named.host, port: spec.protocol === 'udp' ? named.port : 0 } }
}

function kindOf(options: ResolvedReceiverOptions): number {
  if (options.protocol === 'tcp') return NativeReceiveKind.tcp
  if (options.protocol === 'vsock') return NativeReceiveKind.vsock
  if (options.protocol === 'packet') return NativeReceiveKind.ethernetRaw
  const raw = options.protocol === 'raw' || options.protocol === 'raw-hdrincl'
  return raw && options.family === 4 ? NativeReceiveKind.ipv4Raw : NativeReceiveKind.datagram
}

async function start(options: ResolvedReceiverOptions): Promise<OpenedTarget['address']> {
  if (running !== undefined) throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'The receiver has been started.')
  if (options.cpu !== undefined) pinProcess(options.cpu)
  const { fd, address } = await openTarget(options)
  const { maxConnections, wakeBytes, coalesceUs, seed, mode } = options
  const { result, call, eventFd } = native().startReceiver(fd, {
    kind: kindOf(options),
    verify: mode === 'verify',
    seed,
    maxConnections,
    wakeBytes,
    coalesceUs: coalesceUs ?? (mode === 'discard' ? DISCARD_COALESCE_US : 0),
  })
  if (result < 0) throw systemError(result, call, { doing: 'starting to receive' })
  running = { id: result, eventFd }
  return address
}

function command(what: keyof typeof NativeCommand, target = [0, 0, 0, 0] as [number, number, number, number]): ReceiverReport {
  if (running === undefined) throw new ZeroCopyError('ERR_ZC_CLOSED', 'The receiver is not running.')
  const totals = native().commandReceiver(running.id, NativeCommand[what], ...target)
  if (totals.result < 0) throw systemError(totals.result, 'pthread_cond_timedwait', { doing: `to ${what} the receiver` })
  return reportOf(totals)
}

async function wait(target: Extract<ReceiverRequest, { type: 'wait' }>['target']): Promise<ReceiverReport> {
  if (waitAbort !== undefined) throw new ZeroCopyError('ERR_ZC_LIMIT', 'One waitFor() at a time: another one is waiting.')
  const abort = new AbortController()
  waitAbort = abort
  try {
    command('setTarget', [target.bytes, target.datagrams, target.connectionsAccepted, target.connectionsEnded])
    const fd = running?.eventFd ?? -1
    const doing = 'waiting for a receiver'
    await waitReady({ fd, writable: false, timeoutMs: MAX_WAIT_MS, timeoutName: 'MAX_WAIT_MS', doing, signal: abort.signal })
    const report = command('report')
    if (report.error !== null) {
      const { errno, syscall } = report.error
      throw new ZeroCopyError('ERR_ZC_SYSTEM', `The receiving ended: ${syscall} answered ${errno}.`, { errno, syscall })
    }
    return report
  } finally {
    waitAbort = undefined
  }
}

function stop(): ReceiverReport {
  waitAbort?.abort(new ZeroCopyError('ERR_ZC_CLOSED', 'The receiver was stopped.'))
  const report = command('stop')
  if (running !== undefined) native().freeReceiver(running.id)
  running = undefined
  return report
}

async function obey(request: ReceiverRequest): Promise<ReceiverAnswer> {
  const { id } = request
  switch (request.type) {
    case 'start':
      return { id, type: 'started', address: await start(request.options) }
    case 'wait':
      return { id, type: 'report', report: await wait(request.target) }
    case 'cancel-wait':
      waitAbort?.abort(new ZeroCopyError('ERR_ZC_ABORTED', 'The wait was withdrawn.'))
      return { id, type: 'report', report: command('report') }
    case 'reset':
      return { id, type: 'report', report: command('resetConnections') }
    case 'stop':
      return { id, type: 'report', report: stop() }
    default:
      return { id, type: 'report', report: command(request.type) }
  }
}

async function onMessage(message: unknown): Promise<void> {
  const request = parseOptions(receiverRequestSchema, message, 'a request to a receiver')
  let answer: ReceiverAnswer
  try {
    answer = await obey(request)
  } catch (error) {
    answer = { id: request.id, type: 'failed', error: errorToMessage(error) }
  }
  send(answer)
}

// The parent's end, also by SIGKILL, closes the channel. The thread is stopped by the addon's cleanup.
process.on('disconnect', () => process.exit(0))
// A terminal's Ctrl-C goes to the whole group, and so does the SIGTERM of timeout(1); the parent decides when its receivers end.
process.on('SIGINT', () => {}).on('SIGTERM', () => {})
process.on('message', (message) => void onMessage(message))
