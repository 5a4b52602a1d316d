import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { constants } from 'node:os'

/** Files for a driver without a kernel: they are real, and Node.js reads them. */
export class MemoryFiles {
  readonly #own = new Set<number>()

  /** See `FileSender.openFile`. Where Linux gives no second descriptor, the caller's own serves. */
  open(fd: number, facts: Float64Array): number {
    try {
      const stats = fstatSync(fd)
      facts.set([stats.size, stats.mode, 0, 1, stats.ino, stats.ctimeMs / 1_000])
      if (!stats.isFile() || process.platform !== 'linux') return fd
      const own = openSync(`/proc/self/fd/${fd}`, 'r')
      this.#own.add(own)
      return own
    } catch (error) {
      return -(constants.errno[(error as NodeJS.ErrnoException).code as 'EBADF'] ?? constants.errno.EIO)
    }
  }

  read(file: number, offset: number, bytes: number): Uint8Array {
    const chunk = new Uint8Array(bytes)
    return chunk.subarray(0, readSync(file, chunk, 0, bytes, offset))
  }

  close(file: number): void {
    if (this.#own.delete(file)) closeSync(file)
  }
}
