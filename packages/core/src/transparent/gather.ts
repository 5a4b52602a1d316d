import { types } from 'node:util'
import type { BufferedChunk } from '../open/socket-shell.js'

/** The segments that one `_write` or `_writev` becomes. */
export interface Gathered {
  /** The chunks in their order, each as bytes that a writer takes. */
  segments: Uint8Array[]
  bytes: number
  /** The segments whose memory is the program's, and large enough to be shared. */
  shared: Uint8Array[]
  sharedBytes: number
}

/** Whether a chunk is large enough to be shared, whatever its memory. */
export function isLarge(chunk: unknown, minSharedBytes: number): boolean {
  return typeof chunk === 'object' && chunk !== null && (chunk as Uint8Array).byteLength >= minSharedBytes
}

/** Whether memory stays in place, and only this thread can change it. */
function isPlain(chunk: Uint8Array | string): chunk is Uint8Array {
  if (typeof chunk === 'string' || !types.isUint8Array(chunk)) return false
  const { buffer } = chunk as { buffer: ArrayBufferLike & { resizable?: boolean } }
  return buffer.resizable !== true && !types.isSharedArrayBuffer(buffer)
}

/**
 * Makes the segments of one write from chunks. The writer copies the small ones beside the large ones; what can't be given to it as it is gets
 * copied here.
 * @returns undefined where no chunk can be shared
 */
export function gather(chunks: readonly BufferedChunk[], minSharedBytes: number): Gathered | undefined {
  const segments: Uint8Array[] = []
  const shared: Uint8Array[] = []
  let bytes = 0
  let sharedBytes = 0
  if (!chunks.some(({ chunk }) => isLarge(chunk, minSharedBytes) && isPlain(chunk))) return undefined
  for (const { chunk, encoding } of chunks) {
    const segment = isPlain(chunk) ? chunk : ownCopy(chunk, encoding)
    segments.push(segment)
    bytes += segment.byteLength
    if (segment !== chunk || segment.byteLength < minSharedBytes) continue
    shared.push(segment)
    sharedBytes += segment.byteLength
  }
  return { segments, bytes, shared, sharedBytes }
}

function ownCopy(chunk: Uint8Array | string, encoding: string): Uint8Array {
  return typeof chunk === 'string' ? Buffer.from(chunk, encoding as BufferEncoding) : Buffer.concat([chunk])
}
