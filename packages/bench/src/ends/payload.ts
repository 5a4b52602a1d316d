/** The one part that this file uses: the full types come with those of a browser, which are not loaded. */
declare const WebAssembly: { Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } }

/** Bytes of a page of WebAssembly. Its memory is the only aligned memory that JavaScript can get. */
const WASM_PAGE_BYTES = 65_536
/** Alignment of every payload, in bytes: a page of the host, as far as the architectures that Node.js runs on go. */
const ALIGNMENT_BYTES = 4_096
/**
 * Where a payload begins in its first page, in bytes, unless said otherwise: a cache line on. A copy from the very start of a page into the kernel's pages, which are
 * filled from theirs, has both ends at the same offset, and took four times as long on the machines that this was measured on (4K aliasing):
 * it would be zero-copy's gain. 65,000 bytes span 16 pages all the same.
 */
export const PAYLOAD_OFFSET_BYTES = 64
/** Content of every payload. */
const FILL = 0x61

/** The memory of every payload: loads only read it. One block, since each memory of WebAssembly reserves gigabytes of addresses. */
let block = new Uint8Array(0)

/**
 * Payloads that begin near the start of a page, and so span as few pages as those of the kernel's selftests: every path that pins pages pays
 * for each of them.
 * @param count - how many
 * @param sizeBytes - of each
 * @param offsetBytes - from the start of a page to the first byte of each
 * @returns views of one block of memory that is never detached. Not to be written: the next call may hand out the same.
 */
export function makePayloads(count: number, sizeBytes: number, offsetBytes: number = PAYLOAD_OFFSET_BYTES): Uint8Array[] {
  const stride = Math.ceil((offsetBytes + sizeBytes) / ALIGNMENT_BYTES) * ALIGNMENT_BYTES
  if (block.byteLength < count * stride) {
    const memory = new WebAssembly.Memory({ initial: Math.ceil((count * stride) / WASM_PAGE_BYTES) })
    block = new Uint8Array(memory.buffer).fill(FILL)
  }
  return Array.from({ length: count }, (_, at) => block.subarray(at * stride + offsetBytes, at * stride + offsetBytes + sizeBytes))
}

/** One payload, see {@link makePayloads}. */
export function makePayload(sizeBytes: number, offsetBytes?: number): Uint8Array {
  return makePayloads(1, sizeBytes, offsetBytes)[0] as Uint8Array
}
