import { ZeroCopyError } from '@sendzc/core'
import { parseOptions } from '@sendzc/core/driver'
import { z } from 'zod'
import { NativeRole, native } from './native.js'
import { openError } from './open-error.js'
import { nativeSpec, numericHost, OpenSocket } from './open-socket.js'
import { waitReady } from './ready.js'
import { type ListenSpec, listenSpecSchema, type ResolvedListenSpec, SOCKET_LIMITS } from './socket-spec.js'
import { systemError } from './system-error.js'

const acceptOptionsSchema = z.strictObject({
  /** How long, in ms, to wait for a connection. */
  acceptTimeoutMs: z.int().min(1).max(SOCKET_LIMITS.acceptTimeoutMs).default(30_000),
  signal: z.instanceof(AbortSignal).optional(),
})
/** Options of {@link ListeningSocket.accept}. */
export type AcceptOptions = z.input<typeof acceptOptionsSchema>

/** A listening TCP or VSOCK socket. It owns its descriptor. */
export class ListeningSocket implements Disposable {
  readonly protocol: ResolvedListenSpec['protocol']
  readonly family: 4 | 6
  /** Where it listens: a numeric address, or for VSOCK the context id in decimal. */
  readonly host: string
  /** The port, also where the kernel chose it. */
  readonly port: number
  readonly #closing = new AbortController()
  #accepting = false
  #fd: number

  /** @internal */
  constructor(fd: number, spec: ResolvedListenSpec) {
    this.#fd = fd
    this.protocol = spec.protocol
    this.family = 'family' in spec ? spec.family : 4
    const { host, port } = native().localAddress(fd)
    this.host = host
    this.port = port
  }

  /** The descriptor; -1 once closed. */
  get fd(): number {
    return this.#fd
  }

  /**
   * Waits for one connection. One call at a time.
   * @returns a socket that the caller closes
   * @throws ZeroCopyError ERR_ZC_LIMIT after acceptTimeoutMs or during another call, ERR_ZC_ABORTED by the signal, ERR_ZC_CLOSED by `close`
   */
  async accept(options: AcceptOptions = {}): Promise<OpenSocket> {
    const { acceptTimeoutMs, signal } = parseOptions(acceptOptionsSchema, options, 'accept')
    if (this.#fd < 0) throw new ZeroCopyError('ERR_ZC_CLOSED', 'The listener is closed.')
    if (this.#accepting) throw new ZeroCopyError('ERR_ZC_LIMIT', 'One accept() at a time: another one is waiting.')
    const doing = `accepting a ${this.protocol} connection`
    const deadline = performance.now() + acceptTimeoutMs
    const signals = signal === undefined ? this.#closing.signal : AbortSignal.any([this.#closing.signal, signal])
    this.#accepting = true
    try {
      for (;;) {
        const fd = native().accept(this.#fd)
        if (fd >= 0) return new OpenSocket(fd, this.protocol, this.family, new Uint8Array(0))
        const error = systemError(fd, 'accept4', { doing })
        if (error.errno !== 'EAGAIN') throw error
        const timeoutMs = Math.max(1, Math.ceil(deadline - performance.now()))
        await waitReady({ fd: this.#fd, writable: false, timeoutMs, timeoutName: 'acceptTimeoutMs', doing, signal: signals })
      }
    } finally {
      this.#accepting = false
    }
  }

  /** Gives the descriptor to the caller, who closes it from then on. This object is closed afterwards. */
  release(): number {
    this.#closing.abort(new ZeroCopyError('ERR_ZC_CLOSED', 'The listener was given away.'))
    const fd = this.#fd
    this.#fd = -1
    return fd
  }

  /** Closes the descriptor, and rejects a waiting `accept` with ERR_ZC_CLOSED. Idempotent. */
  close(): void {
    if (this.#fd < 0) return
    // First, for the wait must not watch a descriptor that is another socket's by then.
    this.#closing.abort(new ZeroCopyError('ERR_ZC_CLOSED', 'The listener was closed.'))
    native().close(this.#fd)
    this.#fd = -1
  }

  [Symbol.dispose](): void {
    this.close()
  }
}

/**
 * Opens a listening TCP or VSOCK socket.
 * @returns a listener that the caller closes
 * @throws ZeroCopyError as {@link openSocket} does
 */
export async function listen(spec: ListenSpec): Promise<ListeningSocket> {
  const parsed = parseOptions(listenSpecSchema, spec, 'listen')
  const host = parsed.protocol === 'tcp' ? await numericHost(parsed.host, parsed.family) : ''
  const { result, call } = native().open(nativeSpec(parsed, NativeRole.listen, host, ''))
  if (result < 0) throw openError(result, call, parsed)
  return new ListeningSocket(result, parsed)
}
