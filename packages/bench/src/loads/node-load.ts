import { createSocket, type Socket as DgramSocket } from 'node:dgram'
import { once } from 'node:events'
import { Socket as NetSocket } from 'node:net'
import { openSocket } from '@sendzc/socket'
import { familyOf, isStream, type Transport } from '../cells/cell.js'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import { congestionOption, type Destination } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import type { SocketSettings } from '../ends/socket-settings.js'
import { type Load, type LoadTotals, STALL_TIMEOUT_MS } from './load.js'

/** A connected socket of Node's own. */
export type NodeSocket = { kind: 'net'; socket: NetSocket } | { kind: 'dgram'; socket: DgramSocket }

/**
 * Connects a `net.Socket` or a `dgram.Socket`, with Node's defaults but for the congestion control.
 * @throws BenchFailure where nobody listens
 */
export async function connectNode(transport: Transport, { host, port }: Destination, settings: SocketSettings): Promise<NodeSocket> {
  try {
    if (isStream(transport)) {
      const family = familyOf(transport)
      // openSocket() opens the socket, since Node cannot set the congestion control before it connects.
      const opened = await openSocket({ protocol: 'tcp', family, host, port, noDelay: false, ...congestionOption(settings) })
      return { kind: 'net', socket: new NetSocket({ fd: opened.release() }) }
    }
    const socket = createSocket(familyOf(transport) === 6 ? 'udp6' : 'udp4')
    socket.connect(port, host)
    await once(socket, 'connect')
    return { kind: 'dgram', socket }
  } catch (error) {
    throw new BenchFailure(`Cannot connect to ${host} port ${port}: ${messageOf(error)}`, ExitStatus.Failed, error)
  }
}

/** Lets go of a socket of Node's. */
export function closeNode(target: NodeSocket): void {
  if (target.kind === 'net') target.socket.destroy()
  else target.socket.close()
}

/**
 * Sends through `net.Socket.write` or `dgram.send`: `interval` outstanding, each with its callback, then all awaited; the same
 * pattern as a writer's load.
 */
export class NodeLoad implements Load {
  readonly #target: NodeSocket
  readonly #interval: number
  readonly #payload: Uint8Array
  readonly #to: Destination | undefined
  readonly #onDone = (error?: Error | null): void => this.#finish(error)
  #outstanding = 0
  #failure: Error | undefined
  #allDone: (() => void) | undefined
  #sends = 0

  /**
   * @param target - stays the caller's
   * @param interval - writes outstanding
   * @param to - receiver of each datagram, where the target has no peer
   */
  constructor(target: NodeSocket, interval: number, sizeBytes: number, to?: Destination) {
    this.#target = target
    this.#to = to
    this.#interval = interval
    this.#payload = makePayload(sizeBytes)
    target.socket.on('error', this.#onDone)
  }

  async run(sends: number): Promise<void> {
    const watchdog = setTimeout(
      () => this.#fail(new BenchFailure(`No progress for ${STALL_TIMEOUT_MS / 1_000} s.`, ExitStatus.Failed)),
      STALL_TIMEOUT_MS,
    )
    try {
      for (let left = sends; left > 0; left -= this.#interval) {
        await new Promise<void>((resolve) => {
          this.#allDone = resolve
          this.#outstanding = this.#interval
          for (let i = 0; i < this.#interval; i++) this.#send()
        })
        if (this.#failure !== undefined) throw new BenchFailure(messageOf(this.#failure), ExitStatus.Failed, this.#failure)
      }
    } finally {
      clearTimeout(watchdog)
    }
  }

  /** Nothing is shared with the kernel once a callback has come. */
  drain(): Promise<void> {
    return Promise.resolve()
  }

  totals(): LoadTotals {
    const none = { sendCalls: 0, collectCalls: 0, emptyCollectCalls: 0, notifications: 0, notifiedIds: 0 }
    const bytes = this.#sends * this.#payload.byteLength
    return {
      sends: this.#sends,
      bytes,
      messages: this.#sends,
      zerocopySends: 0,
      copiedSends: this.#sends,
      partialSends: 0,
      fullSockets: 0,
      noBuffers: 0,
      driver: none,
    }
  }

  close(): Promise<void> {
    this.#target.socket.off('error', this.#onDone)
    return Promise.resolve()
  }

  #send(): void {
    if (this.#target.kind === 'net') this.#target.socket.write(this.#payload, this.#onDone)
    else if (this.#to === undefined) this.#target.socket.send(this.#payload, this.#onDone)
    else this.#target.socket.send(this.#payload, this.#to.port, this.#to.host, this.#onDone)
  }

  #finish(error: Error | null | undefined): void {
    if (error != null) {
      this.#fail(error)
      return
    }
    this.#sends++
    if (--this.#outstanding === 0) this.#allDone?.()
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#allDone?.()
  }
}
