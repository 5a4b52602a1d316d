import type { Socket as DgramSocket } from 'node:dgram'
import type { Driver, DriverSink, ReleaseKind } from '../driver/driver.js'

interface ReceivingHandle {
  recvStart(): number
  recvStop(): number
}

/** From this version on libuv reads the error queue of a UDP socket on which it receives (libuv#4902; Node.js 24 and later carry that version). */
const READS_ERROR_QUEUE_SINCE = [1, 52] as const

/** Whether this Node.js takes notifications from the error queue of a `dgram.Socket`. */
export function libuvReadsErrorQueue(): boolean {
  const [major = 0, minor = 0] = (process.versions.uv ?? '').split('.').map(Number)
  const [sinceMajor, sinceMinor] = READS_ERROR_QUEUE_SINCE
  return major > sinceMajor || (major === sinceMajor && minor >= sinceMinor)
}

/**
 * Holds back the receiving of a `dgram.Socket` while sends of a writer on it are in flight, so that the event loop leaves their notifications
 * on the error queue: libuv would drop the notifications, and memory would stay in flight for ever. Datagrams that arrive meanwhile wait in the
 * kernel's receive buffer.
 *
 * Stands between a driver and its writer. Does nothing before {@link watch}.
 */
export class DgramReceiveHold implements DriverSink {
  readonly #socket: DgramSocket
  readonly #writer: DriverSink
  #watching = false
  #inFlight = 0
  #held = false

  constructor(socket: DgramSocket, writer: DriverSink) {
    this.#socket = socket
    this.#writer = writer
  }

  /** Starts the hold where `driver` reads the error queue. Call it when the driver is open. */
  watch(driver: Driver): void {
    this.#watching = driver.readsErrorQueue
  }

  sent(token: number, result: number): void {
    this.#inFlight++
    // This call runs within submit(), and so before the event loop looks at the socket again.
    if (this.#watching && !this.#held) this.#hold()
    this.#writer.sent(token, result)
  }

  released(token: number, release: ReleaseKind): void {
    this.#inFlight--
    if (this.#held && this.#inFlight === 0) this.end()
    this.#writer.released(token, release)
  }

  wake(bits: number): void {
    this.#writer.wake(bits)
  }

  /** Lets the socket receive again. Call it when no send is in flight any more, and when the writer is closed. */
  end(): void {
    if (!this.#held) return
    this.#held = false
    this.#handle()?.recvStart()
  }

  #hold(): void {
    const handle = this.#handle()
    if (handle === undefined) return
    this.#held = true
    handle.recvStop()
  }

  /** The handle of the socket; undefined where the socket is closed, or does not receive. */
  #handle(): ReceivingHandle | undefined {
    const symbol = Object.getOwnPropertySymbols(this.#socket).find(({ description }) => description === 'state symbol')
    if (symbol === undefined) return undefined
    const state = (this.#socket as unknown as Record<symbol, { handle?: ReceivingHandle | null; receiving?: boolean }>)[symbol]
    return state?.receiving === true ? (state.handle ?? undefined) : undefined
  }
}
