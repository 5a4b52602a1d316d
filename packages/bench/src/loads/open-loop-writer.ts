import type { ZeroCopyWriter } from '@sendzc/core'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import type { LoadTotals } from './load.js'
import type { OpenLoopPath, OpenLoopSink } from './open-loop.js'
import { refuseAbandoned, writerTotals } from './writer-totals.js'

/** A {@link ZeroCopyWriter} under an open loop: one write per send, as a user's code would see it. */
export class WriterOpenLoop implements OpenLoopPath {
  readonly #writer: ZeroCopyWriter
  readonly #payload: Uint8Array
  readonly #sink: OpenLoopSink
  #sends = 0
  #bytes = 0
  #abandoned = 0

  /**
   * @param writer - closed by {@link close}
   * @param payload - of every write; never modified, so that it may be in flight many times at once
   * @param sink - receives the fate of each write
   */
  constructor(writer: ZeroCopyWriter, payload: Uint8Array, sink: OpenLoopSink) {
    this.#writer = writer
    this.#payload = payload
    this.#sink = sink
  }

  begin(send: number): void {
    this.#writer.write(this.#payload).then(
      ({ bytes, released }) => {
        this.#sends++
        this.#bytes += bytes
        this.#sink.sent(send)
        void released.then((outcome) => {
          if (outcome === 'abandoned') this.#abandoned++
          this.#sink.released(send)
        })
      },
      (error: unknown) => this.#sink.failed(new BenchFailure(`A write failed: ${messageOf(error)}`, ExitStatus.Failed, error)),
    )
  }

  /** The writer has its own events. */
  turn(): void {}

  totals(): LoadTotals {
    return writerTotals({ sends: this.#sends, bytes: this.#bytes }, this.#writer.stats())
  }

  async close(): Promise<void> {
    await this.#writer.close()
    refuseAbandoned(this.#abandoned)
  }
}
