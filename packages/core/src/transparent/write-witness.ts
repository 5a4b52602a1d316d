import zlib from 'node:zlib'
import { tellChanged } from './diagnostics.js'

/** Writes whose stacks are kept until their chunks are handed over; a stream holds no more, unless somebody corks it for good. */
const MAX_ANNOUNCED = 1_024

let contractBroken = false

/** Whether a program of this thread changed memory too early: from then on all sockets copy. */
export function isContractBroken(): boolean {
  return contractBroken
}

/** @internal For tests: forgets a change of memory that came too early. */
export function forgetBrokenContract(): void {
  contractBroken = false
}

interface Announced {
  buffer: ArrayBufferLike
  byteOffset: number
  stack: string
}

const crc32 = (zlib as typeof zlib & { crc32?: (data: Uint8Array) => number }).crc32 ?? adler

/** The checksum where Node.js lacks `zlib.crc32`. */
function adler(data: Uint8Array): number {
  let a = 1
  let b = 0
  for (const byte of data) {
    a = (a + byte) % 65_521
    b = (b + a) % 65_521
  }
  return b * 65_536 + a
}

/** Compares the content of a chunk when it is written with its content when it is released. */
export class WriteWitness {
  readonly #announced: Announced[] = []

  /**
   * Notes who writes a chunk.
   * @param below - the function that the writer called
   */
  announce(chunk: Uint8Array, below: (...args: never[]) => unknown): void {
    const place = { stack: '' }
    Error.captureStackTrace(place, below)
    if (this.#announced.length === MAX_ANNOUNCED) this.#announced.shift()
    this.#announced.push({ buffer: chunk.buffer, byteOffset: chunk.byteOffset, stack: place.stack.replace(/^.*\n/, '') })
  }

  /** Sums up chunks that are about to be shared. @returns a check to run when the chunks are released */
  observe(chunks: readonly Uint8Array[]): () => void {
    const seen = chunks.map((chunk) => ({ chunk, sum: crc32(chunk), bytes: chunk.byteLength, stack: this.#stackOf(chunk) }))
    return () => {
      for (const { chunk, sum, bytes, stack } of seen) {
        if (crc32(chunk) === sum) continue
        contractBroken = true
        tellChanged(bytes, stack)
        const message = `${bytes} bytes were changed before the callback of their write: the peer may have got either content. This thread copies from now on.`
        process.emitWarning(message, { code: 'ZC_BUFFER_CHANGED', detail: `Written\n${stack}` })
      }
    }
  }

  #stackOf({ buffer, byteOffset }: Uint8Array): string {
    const index = this.#announced.findIndex((each) => each.buffer === buffer && each.byteOffset === byteOffset)
    if (index < 0) return '    (by a stream)'
    const [{ stack }] = this.#announced.splice(0, index + 1).slice(-1) as [Announced]
    return stack
  }
}
