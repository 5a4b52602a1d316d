import type { Socket } from 'node:net'
import { ZeroCopyError, type ZeroCopyErrorCode } from '../errors.js'
import type { ChosenBackend } from '../open/open-writer.js'
import { claim, release } from '../open/socket-claims.js'
import { refuseOwnedHandle } from '../open/target.js'
import { SendingHalf } from '../writer/sending-half.js'
import { type Way, Ways } from '../writer/way.js'
import { stats, tellLimit, tellOpened } from './diagnostics.js'
import type { ResolvedZeroCopyOptions } from './options.js'
import { countMemoryOf } from './process-memory.js'

/** Properties of Node's socket that are read beside its public face. */
export type InnerSocket = Socket & {
  readonly _handle?: { readonly fd?: number; readonly hasRef?: () => boolean; readonly constructor: { readonly name: string } } | null
  readonly encrypted?: boolean
  readonly resetAndClosing?: boolean
  _pendingData: unknown
  _pendingEncoding: string
  _unrefTimer(): void
}

/** Reasons that hold for every socket of the process. */
const HOPELESS: readonly ZeroCopyErrorCode[] = ['ERR_ZC_BACKEND_UNAVAILABLE', 'ERR_ZC_PLATFORM', 'ERR_ZC_PERMISSION']
/** Options whose backend fails here on every socket. */
const hopeless = new WeakSet<ResolvedZeroCopyOptions>()

/** Whether an earlier attempt has shown that these options can open no socket. */
export function isHopeless(options: ResolvedZeroCopyOptions): boolean {
  return hopeless.has(options)
}

const ways = new Ways()

/** Knowledge about the way on which a connected socket sends. */
export function wayOf({ localAddress, remoteAddress }: Socket): Way {
  return ways.find(localAddress, remoteAddress)
}

/**
 * Opens a sending half beneath a connected socket.
 * @param onClosed - runs when the half is closed
 * @throws ZeroCopyError where the half can't be opened: ERR_ZC_SOCKET_OWNED while another half has the socket
 */
export function openHalf(socket: InnerSocket, options: ResolvedZeroCopyOptions, way: Way, onClosed: () => void): SendingHalf {
  if (socket._handle?.constructor.name !== 'TCP') {
    throw new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', 'AF_UNIX sockets and pipes have no zero-copy: they copy within this machine.')
  }
  refuseOwnedHandle(socket)
  const fd = socket._handle?.fd as number
  const identity = claim(fd, socket)
  const backend: ChosenBackend = options.backend
  try {
    const half = new SendingHalf({
      options: options.writer,
      way,
      open: (sink) => backend.open({ fd, sink, maxInFlight: options.maxInFlight }),
      onEnding: () => undefined,
      onClosed: () => {
        release(identity)
        stats.open--
        onClosed()
      },
      // The callback of the failed write tells the stream of the failure, as after a failed write of Node's own.
      onBroken: () => undefined,
      onLimit: tellLimit,
      onProgress: () => socket._unrefTimer(),
    })
    countMemoryOf(backend)
    if (socket._handle?.hasRef?.() === false) half.driver.unref?.()
    stats.open++
    tellOpened(socket, half.driver.backend)
    return half
  } catch (error) {
    release(identity)
    if (ZeroCopyError.is(error) && HOPELESS.includes(error.code)) hopeless.add(options)
    throw error
  }
}
