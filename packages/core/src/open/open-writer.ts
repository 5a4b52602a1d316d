import type { Socket as DgramSocket } from 'node:dgram'
import type { Socket } from 'node:net'
import { type Backend, DRIVER_INTERFACE_VERSION, type OwnWay } from '../driver/driver.js'
import { ZeroCopyError } from '../errors.js'
import { SOCKET_ENDED } from '../writer/endings.js'
import { type ResolvedWriterOptions, resolveOptions, type WriterOptions } from '../writer/options.js'
import { SendingHalf } from '../writer/sending-half.js'
import { SocketWriter } from '../writer/socket-writer.js'
import type { ZeroCopyWriter } from '../writer.js'
import { DgramReceiveHold, libuvReadsErrorQueue } from './dgram-receive-hold.js'
import { warnOfLimit } from './limit-warning.js'
import { NetSocketLease } from './net-socket-lease.js'
import { ownBytesSent } from './own-bytes.js'
import { ownWayOfDgram, ownWayOfNet } from './own-way.js'
import { claim, release } from './socket-claims.js'
import { socketError } from './socket-error.js'
import { senderOf } from './socket-sender.js'
import { type ResolvedTarget, resolveTarget, type WriterTarget } from './target.js'
import { tellAbandoned, tellDemoted, tellLimit, tellOpened } from './writer-channels.js'

/** A backend with its own defaults for the writer, and with the reason for its choice. Made by `auto()`. */
export interface ChosenBackend extends Backend {
  /** Merged over the defaults, beneath the caller's own options. */
  readonly writerDefaults?: WriterOptions
  /** Names the backend that the last `open` chose, and the reason. */
  readonly choice?: () => string
}

/** Options of `openWriter`: the options of the writer, and the backend. */
export type OpenWriterOptions = WriterOptions & {
  /** The notification path: `errqueue()`, `inline()`, `uring()`, `copy()`, or `auto([...])`. */
  backend: Backend
}

/** Whether `value` is a backend: `errqueue()` is one, the function `errqueue` is none. */
export function isBackend(value: unknown): value is Backend {
  return typeof value === 'object' && value !== null && 'open' in value && typeof value.open === 'function'
}

/**
 * Opens a writer on a connected socket. The socket stays the caller's: the writer works on a `dup` of its descriptor, so that a
 * closed and reused number can never receive another connection's data.
 *
 * On a `net.Socket` reading stays Node's. Bytes of other callers' `socket.write()` leave in the order of the calls among the writer's own
 * writes, by Node's own way; see ARCHITECTURE.md.
 * @throws ZeroCopyError with the cause and its remedy where the backend cannot work on this socket
 */
export async function openWriter(target: WriterTarget, options: OpenWriterOptions): Promise<ZeroCopyWriter> {
  const { backend, ...writerOptions } = Object(options) as OpenWriterOptions
  if (!isBackend(backend)) {
    throw new ZeroCopyError('ERR_ZC_INVALID_OPTION', 'openWriter() needs a backend, for example { backend: errqueue() }.')
  }
  refuseOtherInterface(backend)
  const { writerDefaults } = backend as ChosenBackend
  const resolvedOptions = resolveOptions(writerDefaults, writerOptions)
  const resolved = resolveTarget(target)
  const sender = resolved.netSocket === undefined ? undefined : senderOf(resolved.netSocket)
  if (sender?.isOpen === true) {
    await sender.yieldSocket()
    refuseChanged(target)
  }
  const identity = claim(resolved.fd, resolved.closing)
  try {
    if (resolved.netSocket !== undefined && resolved.netSocket.writableLength > 0) {
      await ownBytesSent(resolved.netSocket, resolvedOptions.drainTimeoutMs)
      refuseChanged(target)
    }
    return attach(resolved, backend, resolvedOptions, () => release(identity))
  } catch (error) {
    release(identity)
    throw error
  }
}

/** @throws ZeroCopyError ERR_ZC_BACKEND_UNAVAILABLE where the backend was written for another interface than this writer's */
export function refuseOtherInterface({ name, driverInterfaceVersion: version = DRIVER_INTERFACE_VERSION }: Backend): void {
  if (version === DRIVER_INTERFACE_VERSION) return
  const message = `The backend ${name} has version ${version} of the driver interface, and this writer version ${DRIVER_INTERFACE_VERSION}.`
  throw new ZeroCopyError('ERR_ZC_BACKEND_UNAVAILABLE', message, { remedy: 'Install releases of the two that belong together.' })
}

/**
 * Looks at the target again after a wait: meanwhile the socket may have ended or closed, and another connection may have its descriptor's number.
 * @throws ZeroCopyError
 */
function refuseChanged(target: WriterTarget): void {
  resolveTarget(target)
}

/** Opens the driver. Makes the writer, and the lease or hold between the writer and the caller's socket. */
function attach(
  { fd, netSocket, dgramSocket, closing }: ResolvedTarget,
  backend: ChosenBackend,
  options: ResolvedWriterOptions,
  free: () => void,
) {
  let lease: NetSocketLease | undefined
  let hold: DgramReceiveHold | undefined
  let way: OwnWay | undefined
  const ownWay = (): OwnWay => {
    way = netSocket === undefined ? ownWayOfDgram(dgramSocket as DgramSocket) : ownWayOfNet(netSocket)
    return way
  }
  const onClose = (): void => writer.socketClosed(false)
  const half: SendingHalf = new SendingHalf({
    options,
    open: (sink) => {
      if (dgramSocket !== undefined && libuvReadsErrorQueue()) hold = new DgramReceiveHold(dgramSocket, sink)
      const driver = backend.open({
        fd,
        ownWay: closing === undefined ? undefined : ownWay,
        sink: hold ?? sink,
        maxInFlight: options.maxInFlight,
      })
      hold?.watch(driver)
      return driver
    },
    onEnding: ({ code, message, init }) => writer.setEnded(code === 'ERR_ZC_CLOSED' ? undefined : new ZeroCopyError(code, message, init)),
    onClosed: () => {
      free()
      dgramSocket?.off('close', onClose)
      lease?.giveBack()
      hold?.end()
      tellAbandoned(writer)
    },
    // Node does the same when a write of its own fails: the half has taken the error from the socket, and nobody else will see it.
    onBroken: (error) => netSocket?.destroy(socketError(error)),
    onLimit: (message) => {
      warnOfLimit(message)
      tellLimit(writer, message)
    },
    onDemoted: () => tellDemoted(writer),
    onProgress: netSocket === undefined ? undefined : () => (netSocket as Socket & { _unrefTimer?: () => void })._unrefTimer?.(),
  })
  const choice = backend.choice?.() ?? `${backend.name}: chosen by the caller`
  const writer: SocketWriter = new SocketWriter(half, options, choice, () => netSocket?.destroy())
  if (netSocket !== undefined) {
    const events = {
      onEnd: () => half.end(SOCKET_ENDED),
      onDestroy: (reset: boolean, error: Error | undefined) => writer.socketClosed(reset, error),
    }
    lease = new NetSocketLease(netSocket, half, events, way)
  }
  dgramSocket?.once('close', onClose)
  tellOpened(writer)
  return writer
}
