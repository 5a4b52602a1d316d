/** The part of it that is used here: its types come with those of a browser, which are not loaded. */
declare const WebAssembly: { Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer } }

/** Bytes of a page of WebAssembly, whose memory is the one that JavaScript can have aligned. */
const WASM_PAGE_BYTES = 65_536
/** Alignment of every payload, in bytes: a page of the host, as far as the architectures that Node.js runs on go. */
const ALIGNMENT_BYTES = 4_096
/** Content of every payload. */
const FILL = 0x61

/** Every payload there is: loads only read them. One block, since each memory of WebAssembly reserves gigabytes of addresses. */
let block = new Uint8Array(0)

/**
 * Payloads that begin at a page each, as the payload of the kernel's selftests does: one that does not spans a page more, and every path that
 * pins pages pays for it.
 * @param count - how many
 * @param sizeBytes - of each
 * @returns views of one block of memory that is never detached. Not to be written: the next call may hand out the same.
 */
export function makePayloads(count: number, sizeBytes: number): Uint8Array[] {
  const stride = Math.ceil(sizeBytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES
  if (block.byteLength < count * stride) {
    const memory = new WebAssembly.Memory({ initial: Math.ceil((count * stride) / WASM_PAGE_BYTES) })
    block = new Uint8Array(memory.buffer).fill(FILL)
  }
  return Array.from({ length: count }, (_, at) => block.subarray(at * stride, at * stride + sizeBytes))
}

/** One payload, see {@link makePayloads}. */
export function makePayload(sizeBytes: number): Uint8Array {
  return makePayloads(1, sizeBytes)[0] as Uint8Array
}
