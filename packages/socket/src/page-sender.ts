import { ZeroCopyError } from '@sendzc/core'
import { parseOptions } from '@sendzc/core/driver'
import { z } from 'zod'
import { NativePagePath, type NativePageTotals, native } from './native.js'
import { waitReady } from './ready.js'
import { SOCKET_LIMITS } from './socket-spec.js'
import { systemError } from './system-error.js'

/** Bytes of content that one sender may hold. */
const MAX_CONTENT_BYTES = 1_073_741_824

/** Messages of one native call. */
const MAX_MESSAGES = 65_536

const optionsSchema = z
  .strictObject({
    /** A connected stream socket; stays the caller's. */
    fd: z.int().min(0),
    /**
     * `sendfile`: from the page cache to the socket. `splice`: through a pipe. `vmsplice`: from memory into a pipe without SPLICE_F_GIFT,
     * and from there to the socket.
     */
    path: z.enum(['sendfile', 'splice', 'vmsplice']),
    /** The content that is sent, in messages, again and again. It is copied at open: into a file in memory, or into a mapping of the sender's own. */
    content: z.custom<Uint8Array>((value) => value instanceof Uint8Array, 'content is a Uint8Array'),
    /** Bytes of one message; a divisor of the content's. */
    messageBytes: z.int().min(1).max(MAX_CONTENT_BYTES),
    /** How long, in ms, to wait for a full socket. */
    writableTimeoutMs: z.int().min(1).max(SOCKET_LIMITS.connectTimeoutMs).default(10_000),
  })
  .refine(({ content }) => content.byteLength > 0 && content.byteLength <= MAX_CONTENT_BYTES, `content has 1 to ${MAX_CONTENT_BYTES} bytes`)
  .refine(({ content, messageBytes }) => content.byteLength % messageBytes === 0, 'messageBytes divides the length of content')

/** Options of {@link PageSender.open}. */
export type PageSenderOptions = z.input<typeof optionsSchema>

/** Counters of a {@link PageSender} since it was opened. */
export type PageTotals = Omit<NativePageTotals, 'result'>

/**
 * Sends pages without copying them in the ways that came before MSG_ZEROCOPY: sendfile(2), splice(2), vmsplice(2). For comparison: these calls
 * do not report when the kernel no longer refers to the pages, so the memory can't be used again. Linux 2.6.33, for a splice from any file.
 * It owns its content: closed by {@link PageSender.close} and by `using`.
 */
export class PageSender implements Disposable {
  readonly #fd: number
  readonly #writableTimeoutMs: number
  #sender: number

  private constructor(fd: number, writableTimeoutMs: number, sender: number) {
    this.#fd = fd
    this.#writableTimeoutMs = writableTimeoutMs
    this.#sender = sender
  }

  /** @throws ZeroCopyError ERR_ZC_INVALID_OPTION, ERR_ZC_LIMIT without a free descriptor, ERR_ZC_SYSTEM */
  static open(options: PageSenderOptions): PageSender {
    const { fd, path, content, messageBytes, writableTimeoutMs } = parseOptions(optionsSchema, options, 'PageSender.open')
    const { result, call } = native().openPageSender(fd, NativePagePath[path], content, messageBytes)
    if (result < 0) throw systemError(result, call, { doing: `opening a sender by ${path}` })
    return new PageSender(fd, writableTimeoutMs, result)
  }

  /**
   * Sends `messages` whole messages, and waits where the socket is full.
   * @throws ZeroCopyError ERR_ZC_CLOSED; ERR_ZC_PEER_RESET and the like from the kernel; ERR_ZC_LIMIT when a socket stays full for writableTimeoutMs
   */
  async send(messages: number): Promise<void> {
    for (let left = messages; left > 0; ) {
      const asked = Math.min(left, MAX_MESSAGES)
      const sent = this.#sendSome(asked)
      left -= sent
      if (sent === asked) continue
      const bound = { timeoutMs: this.#writableTimeoutMs, timeoutName: 'writableTimeoutMs' }
      await waitReady({ fd: this.#fd, writable: true, ...bound, doing: 'waiting for room in the socket' })
    }
  }

  /** Counters up to now. */
  totals(): PageTotals {
    if (this.#sender < 0) throw closedError()
    const { result, ...totals } = native().pageSenderTotals(this.#sender)
    if (result < 0) throw systemError(result, 'pageSenderTotals', { doing: 'reading counters' })
    return totals
  }

  /** Lets go of the content. Idempotent. Pages that the kernel still refers to stay as they are until it lets go. */
  close(): void {
    if (this.#sender < 0) return
    native().closePageSender(this.#sender)
    this.#sender = -1
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #sendSome(messages: number): number {
    if (this.#sender < 0) throw closedError()
    const sent = native().sendPages(this.#sender, messages)
    if (sent < 0) throw systemError(sent, 'splice', { doing: 'sending pages' })
    return sent
  }
}

function closedError(): ZeroCopyError {
  return new ZeroCopyError('ERR_ZC_CLOSED', 'The sender of pages is closed.')
}
