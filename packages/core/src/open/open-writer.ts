import { fstatSync } from 'node:fs'
import type { Backend } from '../driver/driver.js'
import { ZeroCopyError } from '../errors.js'
import { ManagedWriter } from '../writer/managed-writer.js'
import type { ZeroCopyWriter } from '../writer.js'
import { DgramReceiveHold, libuvReadsErrorQueue } from './dgram-receive-hold.js'
import { warnOfLimit } from './limit-warning.js'
import { NetSocketLease } from './net-socket-lease.js'
import { overDefaults, parseOptions, type ResolvedWriterOptions, type WriterOptions, writerOptionsSchema } from './options.js'
import { type ResolvedTarget, resolveTarget, type WriterTarget } from './target.js'

/** A backend that knows better defaults for the writer than the writer does, and why it was chosen. Made by `auto()`. */
export interface ChosenBackend extends Backend {
  /** Merged over the defaults, beneath the caller's own options. */
  readonly writerDefaults?: WriterOptions
  /** Says which backend was chosen by the last `open`, and why. */
  readonly choice?: () => string
}

/** What `openWriter` takes besides the target. */
export type OpenWriterOptions = WriterOptions & {
  /** The notification path: `errqueue()`, `inline()`, `uring()`, `copy()`, or `auto([...])`. */
  backend: Backend
}

/** Whether it is one: `errqueue()`, and not `errqueue`. */
export function isBackend(value: unknown): value is Backend {
  return typeof value === 'object' && value !== null && 'open' in value && typeof value.open === 'function'
}

/** Sockets that a writer of this thread is open on, by device and inode: two writers would steal each other's notifications. */
const ownedSockets = new Set<string>()

/**
 * Opens a writer on a connected socket. The socket stays the caller's: the writer works on a `dup` of its descriptor, so that a
 * closed and reused number can never receive another connection's data.
 *
 * On a `net.Socket` reading stays Node's, and `socket.write()` throws ERR_ZC_SOCKET_OWNED until the writer is closed; see ARCHITECTURE.md.
 * @throws ZeroCopyError with the cause and its remedy where the backend cannot work on this socket
 */
export async function openWriter(target: WriterTarget, options: OpenWriterOptions): Promise<ZeroCopyWriter> {
  const { backend, ...writerOptions } = Object(options) as OpenWriterOptions
  if (!isBackend(backend)) {
    throw new ZeroCopyError('ERR_ZC_INVALID_OPTION', 'openWriter() needs a backend, for example { backend: errqueue() }.')
  }
  const { writerDefaults, choice } = backend as ChosenBackend
  const resolvedOptions = parseOptions(writerOptionsSchema, overDefaults(writerDefaults, writerOptions), 'openWriter')
  const resolved = resolveTarget(target)
  const identity = claim(resolved)
  let lease: NetSocketLease | undefined
  let hold: DgramReceiveHold | undefined
  try {
    const writer: ManagedWriter = new ManagedWriter({
      options: resolvedOptions,
      choice: () => choice?.() ?? `${backend.name}: chosen by the caller`,
      onClosed: () => {
        release(identity)
        resolved.closing?.off('close', onSocketClose)
        lease?.end()
        hold?.end()
      },
      // What Node does when a write of its own fails: the error has been taken from the socket and nobody else will see it.
      onBroken: (error) => resolved.netSocket?.destroy(error),
      onLimit: warnOfLimit,
    })
    const onSocketClose = (): void => writer.socketClosed()
    if (resolved.netSocket !== undefined) {
      const ownBytes = ownBytesSent(resolved.netSocket, resolvedOptions)
      lease = new NetSocketLease(resolved.netSocket, () => writer.drained())
      await ownBytes
      // The socket may have been ended meanwhile, or closed: then its number may by now be that of another connection.
      resolveTarget(target)
      lease.takeOver()
    }
    if (resolved.dgramSocket !== undefined && libuvReadsErrorQueue()) hold = new DgramReceiveHold(resolved.dgramSocket, writer)
    const driver = backend.open({ fd: resolved.fd, sink: hold ?? writer, maxInFlight: resolvedOptions.maxInFlight })
    hold?.watch(driver)
    writer.attach(driver)
    resolved.closing?.once('close', onSocketClose)
    return writer
  } catch (error) {
    release(identity)
    lease?.end()
    throw error
  }
}

function claim({ fd, netSocket }: ResolvedTarget): string | undefined {
  let identity: string
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true })
    identity = `${dev}:${ino}`
  } catch {
    // Not an open descriptor: the backend's own check says so, with its code (a driver double takes any number).
    return undefined
  }
  if (ownedSockets.has(identity)) {
    throw new ZeroCopyError(
      'ERR_ZC_SOCKET_OWNED',
      `A writer is already open on this ${netSocket === undefined ? 'descriptor' : 'socket'}.`,
      {
        remedy: 'Use that writer, or close it first.',
      },
    )
  }
  ownedSockets.add(identity)
  return identity
}

function release(identity: string | undefined): void {
  if (identity !== undefined) ownedSockets.delete(identity)
}

/** Waits until what `socket.write()` was given before has left, for the writer's bytes come after it. */
function ownBytesSent(socket: NonNullable<ResolvedTarget['netSocket']>, { drainTimeoutMs }: ResolvedWriterOptions): Promise<void> {
  if (socket.writableLength === 0) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const message = `socket.write() still has ${socket.writableLength} bytes to send after ${drainTimeoutMs} ms (drainTimeoutMs).`
      reject(new ZeroCopyError('ERR_ZC_DRAIN_TIMEOUT', message))
    }, drainTimeoutMs)
    // Writes are answered in order, so the answer to an empty one says that those before it are done.
    socket.write('', (cause) => {
      clearTimeout(timer)
      if (cause == null) resolve()
      else reject(new ZeroCopyError('ERR_ZC_CLOSED', 'The socket failed before its own bytes were sent.', { cause }))
    })
  })
}
