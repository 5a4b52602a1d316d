import assert from 'node:assert/strict'
import { type ReleaseOutcome, ZeroCopyError, type ZeroCopyErrorCode } from '../src/errors.js'
import type { SentWrite, WriteData, WriteOptions, ZeroCopyWriter } from '../src/writer.js'
import { bounded } from './bounded.js'

/** The course of one write so far. */
export class ObservedWrite {
  state: 'pending' | 'sent' | 'failed' = 'pending'
  sent: SentWrite | undefined
  error: ZeroCopyError | undefined
  outcome: ReleaseOutcome | undefined
  /** Resolves, also when the write failed. */
  readonly settled: Promise<void>
  /** Resolves when `released` settled, or at once where the write failed and no memory was ever shared. */
  readonly released: Promise<ReleaseOutcome | undefined>

  constructor(write: Promise<SentWrite>, onReleased: (outcome: ReleaseOutcome | undefined) => void) {
    let releasedOf: Promise<ReleaseOutcome> | undefined
    this.settled = write.then(
      (sent) => {
        this.state = 'sent'
        this.sent = sent
        releasedOf = sent.released
      },
      (error: unknown) => {
        this.state = 'failed'
        assert.ok(ZeroCopyError.is(error), `a write rejected with something that is no ZeroCopyError: ${String(error)}`)
        this.error = error
        releasedOf = error.released
      },
    )
    this.released = this.settled
      .then(() => releasedOf)
      .then(
        (outcome) => {
          this.outcome = outcome
          // In the same microtask as the caller's own continuation: this is where a buffer would be used again.
          onReleased(outcome)
          return outcome
        },
        (error: unknown) => assert.fail(`released rejected: ${String(error)}`),
      )
    // A case that fails before it looks at these must not end the process.
    this.settled.catch(() => undefined)
    this.released.catch(() => undefined)
  }
}

/** Every write of a case: none is forgotten, none goes unhandled. */
export class WriteLedger {
  readonly writes: ObservedWrite[] = []
  readonly #writer: ZeroCopyWriter

  constructor(writer: ZeroCopyWriter) {
    this.#writer = writer
  }

  /** Writes, and observes. */
  write(
    data: WriteData,
    { onReleased = () => undefined, ...options }: WriteOptions & { onReleased?: (outcome: ReleaseOutcome | undefined) => void } = {},
  ): ObservedWrite {
    return this.observe(this.#writer.write(data, options), onReleased)
  }

  /** Observes a write that the case began by itself. */
  observe(write: Promise<SentWrite>, onReleased: (outcome: ReleaseOutcome | undefined) => void = () => undefined): ObservedWrite {
    const observed = new ObservedWrite(write, onReleased)
    this.writes.push(observed)
    return observed
  }

  count(state: ObservedWrite['state']): number {
    return this.writes.filter((write) => write.state === state).length
  }

  /** Waits until every write has resolved or rejected. */
  async allSettled(): Promise<void> {
    await bounded(Promise.all(this.writes.map((write) => write.settled)), `settling of ${this.writes.length} writes`)
  }

  /** Waits until every write and every `released` has settled. */
  async allReleased(): Promise<void> {
    await this.allSettled()
    const waiting = () => this.writes.filter((write) => write.outcome === undefined).length
    await bounded(Promise.all(this.writes.map((write) => write.released)), `release of ${waiting()} writes`)
  }

  /** Fails unless every write was sent and released with one of `outcomes`. */
  assertAllSent(outcomes: readonly ReleaseOutcome[] = ['zerocopy', 'copied']): void {
    for (const [index, write] of this.writes.entries()) {
      assert.equal(write.state, 'sent', `write ${index}: ${write.error?.code ?? ''} ${write.error?.message ?? ''}`)
      assert.ok(write.outcome !== undefined && outcomes.includes(write.outcome), `write ${index} was released as ${write.outcome}`)
    }
  }
}

/** Awaits the rejection of `promise` with a ZeroCopyError of one of `codes`. */
export async function rejection(
  promise: Promise<unknown>,
  codes: ZeroCopyErrorCode | readonly ZeroCopyErrorCode[],
  what: string,
): Promise<ZeroCopyError> {
  const allowed: readonly string[] = typeof codes === 'string' ? [codes] : codes
  const outcome = await bounded(
    promise.then(
      () => undefined,
      (error: unknown) => ({ error }),
    ),
    `rejection: ${what}`,
  )
  assert.ok(outcome !== undefined, `${what}: resolved, expected ${allowed.join(' or ')}`)
  const { error } = outcome
  assert.ok(ZeroCopyError.is(error), `${what}: rejected with something that is no ZeroCopyError: ${String(error)}`)
  assert.ok(allowed.includes(error.code), `${what}: ${error.code} (${error.message}), expected ${allowed.join(' or ')}`)
  return error
}
