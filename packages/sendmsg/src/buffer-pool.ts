import { BufferPool, ZeroCopyError } from '@sendzc/core'
import { errnoName, parseOptions, unfitForAddons } from '@sendzc/core/driver'
import { loadNative } from './native.js'
import { type BufferPoolOptions, bufferPoolOptionsSchema } from './options.js'

/** Chunks begin where a page does, so that no page is sent for two of them. */
const PAGE_BYTES = 4_096
/** Mirrors `page_kind` of packages/native/include/sendzc/mapped_region.h: 0 are pages of the usual size. */
const SMALL_PAGES = 0

/**
 * Makes a pool of `count` chunks of `bytes` bytes, out of one piece of memory in huge pages where the kernel gives them: `pool.pages` says which it gave. Reserved ones
 * (`vm.nr_hugepages`) come first, then transparent ones (`/sys/kernel/mm/transparent_hugepage/enabled` is `madvise` or `always`). Every page is there at once. Where no addon
 * runs (macOS, Windows, Bun, Deno), the chunks lie in plain memory.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION, ERR_ZC_NO_BUFFERS where the memory is not there, ERR_ZC_PLATFORM where the addon is missing
 */
export function bufferPool(options: BufferPoolOptions): BufferPool {
  const { bytes, count, hugePages, acquireTimeoutMs, maxWaiting } = parseOptions(bufferPoolOptionsSchema, options, 'bufferPool()')
  const strideBytes = Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES
  const parts = { bytes, strideBytes, count, acquireTimeoutMs, maxWaiting }
  if (unfitForAddons() !== undefined) return new BufferPool({ ...parts, memory: new ArrayBuffer(strideBytes * count), pages: 'small' })
  const report = new Int32Array(1)
  const memory = loadNative().mapRegion(strideBytes * count, hugePages, report)
  if (typeof memory === 'number') throw noMemory(-memory, strideBytes * count)
  return new BufferPool({ ...parts, memory, pages: report[0] === SMALL_PAGES ? 'small' : 'huge' })
}

function noMemory(errno: number, bytes: number): ZeroCopyError {
  return new ZeroCopyError('ERR_ZC_NO_BUFFERS', `A pool of ${bytes} bytes cannot be mapped (${errnoName(errno)}).`, {
    errno: errnoName(errno),
    syscall: 'mmap',
    remedy: 'Take fewer or smaller chunks, or give the machine or the control group more memory (memory.max); a pool has at most 16 GiB.',
  })
}
