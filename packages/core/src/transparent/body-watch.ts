import { type ReleaseOutcome, ZeroCopyError } from '../errors.js'
import type { PendingWrite } from '../writer/pending-write.js'

/** The watch of each piece, by the very object that is written: a piece is a view made for one response. */
const watches = new WeakMap<object, BodyWatch>()

/** `pieces` are handed to the kernel by `write`, which shares their memory. */
export function noteShared(pieces: readonly object[], write: PendingWrite): void {
  for (const piece of pieces) watches.get(piece)?.shared(write)
}

/** The write of `pieces` is sent. */
export function noteSent(pieces: readonly object[]): void {
  for (const piece of pieces) watches.get(piece)?.pieceSent()
}

/** Follows the pieces of one body from the response to their release. */
export class BodyWatch {
  readonly sent: Promise<number>
  readonly released: Promise<ReleaseOutcome>
  readonly #bytes: number
  readonly #pieceCount: number
  readonly #writes = new Set<PendingWrite>()
  #sharedPieces = 0
  #unsentPieces: number
  #isSettled = false
  #resolveSent!: (bytes: number) => void
  #rejectSent!: (error: ZeroCopyError) => void
  #resolveReleased!: (outcome: ReleaseOutcome) => void

  constructor(pieces: readonly object[], bytes: number) {
    this.#bytes = bytes
    this.#pieceCount = pieces.length
    this.#unsentPieces = pieces.length
    for (const piece of pieces) watches.set(piece, this)
    this.sent = new Promise((resolve, reject) => {
      this.#resolveSent = resolve
      this.#rejectSent = reject
    })
    // A caller may look at the response's own events alone.
    this.sent.catch(() => undefined)
    this.released = new Promise((resolve) => {
      this.#resolveReleased = resolve
    })
  }

  /** True: every byte is sent, or the failure was reported. */
  get isSettled(): boolean {
    return this.#isSettled
  }

  shared(write: PendingWrite): void {
    this.#sharedPieces++
    this.#writes.add(write)
  }

  pieceSent(): void {
    if (--this.#unsentPieces === 0) this.#settle(() => this.#resolveSent(this.#bytes))
  }

  /** The response is finished: every piece has left. */
  finished(): void {
    this.#settle(() => this.#resolveSent(this.#bytes))
    this.#free()
  }

  /** No further piece will be handed over. */
  failed(error: ZeroCopyError): void {
    const { code, message, remedy, cause } = error
    this.#settle(() => this.#rejectSent(new ZeroCopyError(code, message, { remedy, cause, released: this.released })))
  }

  /** The connection is closed: what was not shared by now never will be. */
  closed(): void {
    this.failed(new ZeroCopyError('ERR_ZC_CLOSED', 'The connection was closed before the whole response was sent.'))
    this.#free()
  }

  #settle(how: () => void): void {
    if (this.#isSettled) return
    this.#isSettled = true
    how()
  }

  #free(): void {
    const isWhollyShared = this.#sharedPieces === this.#pieceCount && this.#pieceCount > 0
    void Promise.all([...this.#writes].map(({ released }) => released)).then((outcomes) => {
      if (outcomes.includes('abandoned')) this.#resolveReleased('abandoned')
      else this.#resolveReleased(isWhollyShared && outcomes.every((outcome) => outcome === 'zerocopy') ? 'zerocopy' : 'copied')
    })
  }
}
