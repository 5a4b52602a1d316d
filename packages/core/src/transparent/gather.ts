import { types } from 'node:util'
import type { BufferedChunk } from '../open/socket-shell.js'

/** The segments that one `_write` or `_writev` becomes. */
export interface Gathered {
  /** In order: chunks whose memory is shared, and between them copies of the other chunks. */
  segments: Uint8Array[]
  bytes: number
  /** The segments that are the program's own memory. */
  shared: Uint8Array[]
}

/** Whether a chunk is large enough to be shared, whatever its memory. */
export function isLarge(chunk: unknown, minSharedBytes: number): boolean {
  return typeof chunk === 'object' && chunk !== null && (chunk as Uint8Array).byteLength >= minSharedBytes
}

/** Whether a chunk is large enough, its memory stays in place, and only this thread can change that memory. */
function isShareable(chunk: Uint8Array | string, minSharedBytes: number): chunk is Uint8Array {
  if (typeof chunk === 'string' || !isLarge(chunk, minSharedBytes) || !types.isUint8Array(chunk)) return false
  const { buffer } = chunk as { buffer: ArrayBufferLike & { resizable?: boolean } }
  return buffer.resizable !== true && !types.isSharedArrayBuffer(buffer)
}

/**
 * Joins chunks to the segments of one write. The small chunks are copied here, so that their memory is free at once.
 * @returns undefined where no chunk can be shared
 */
export function gather(chunks: readonly BufferedChunk[], minSharedBytes: number): Gathered | undefined {
  if (!chunks.some(({ chunk }) => isShareable(chunk, minSharedBytes))) return undefined
  const segments: Uint8Array[] = []
  const shared: Uint8Array[] = []
  let small: Uint8Array[] = []
  let bytes = 0
  const joinSmall = (): void => {
    if (small.length === 0) return
    const joined = Buffer.concat(small)
    if (joined.byteLength > 0) segments.push(joined)
    bytes += joined.byteLength
    small = []
  }
  for (const { chunk, encoding } of chunks) {
    if (isShareable(chunk, minSharedBytes)) {
      joinSmall()
      segments.push(chunk)
      shared.push(chunk)
      bytes += chunk.byteLength
    } else small.push(typeof chunk === 'string' ? Buffer.from(chunk, encoding as BufferEncoding) : chunk)
  }
  joinSmall()
  return { segments, bytes, shared }
}
