import { fstatSync, read } from 'node:fs'
import { Errno } from '../driver/errno.js'
import { CachedFiles } from './cached-files.js'
import type { Ending } from './endings.js'
import type { OpenedFile } from './file-source.js'
import { PendingWrite } from './pending-write.js'

/** Bytes of one sendfile(2), and of one look into the page cache, at most. */
const MAX_CHUNK_BYTES = 1_048_576
/** Bytes that one file sends before the event loop turns: a peer on this machine may take them as fast as they come. */
const MAX_BYTES_PER_TURN = 8_388_608

/** Takes the bytes of cold files, whose reads fill the page cache. Nobody reads it. */
let scratch: Uint8Array | undefined

/** Of all files that this environment sends. */
const CACHED = new CachedFiles()

/** The half's part in sending a file. */
export interface FileWriteHost {
  /** The kernel took the next `bytes` of the file. The half completes the write with its last byte. */
  fileSent(write: FileWrite, bytes: number): void
  /** The socket is full: the turn begins anew when it has room. */
  fileAwaitsRoom(): void
  /** The socket does not take the file: a negated errno. */
  fileRefused(errno: number): void
  /** The file does not give its bytes. */
  fileLost(ending: Ending): void
}

/**
 * A range of a file on its way. It stands in the queue like every write, and its bytes leave by sendfile(2) in its turn, from the page cache. Bytes
 * that the cache lacks are read by a thread first, so that the event loop waits for no disk.
 */
export class FileWrite extends PendingWrite {
  override readonly turn: () => void = () => this.#sendChunks()
  readonly #file: OpenedFile
  readonly #host: FileWriteHost
  /** The cache had the bytes up to this position of the file, or they were read into it. */
  #cachedTo: number
  #reads = false
  #closed = false

  constructor(file: OpenedFile, sequence: number, host: FileWriteHost) {
    super([], file.bytes, sequence)
    this.#file = file
    this.#host = host
    this.#cachedTo = file.start
  }

  override get isOwn(): boolean {
    return true
  }

  override completeSent(): void {
    super.completeSent()
    this.close()
  }

  override fail(ending: Ending, ended: boolean): void {
    super.fail(ending, ended)
    if (ended) this.close()
  }

  /** Lets go of the file, once no thread reads it. */
  close(): void {
    if (this.#closed || this.#reads) return
    this.#closed = true
    this.#file.sender.closeFile(this.#file.file)
  }

  #sendChunks(): void {
    const { sender, file, start } = this.#file
    let turnBytes = 0
    while (!this.ended && this.sentBytes < this.bytes) {
      const at = start + this.sentBytes
      if (turnBytes >= MAX_BYTES_PER_TURN) {
        setImmediate(this.turn)
        return
      }
      if (at >= this.#cachedTo && !this.#findCached(at)) return
      const asked = this.#cachedTo - at
      const sent = sender.sendFile(file, at, asked)
      if (sent <= 0) {
        this.#notSent(sent)
        return
      }
      turnBytes += sent
      if (this.sentBytes + sent === this.bytes && this.#hasShrunk()) return
      this.#host.fileSent(this, sent)
      // The socket took what it had room for: another call now could only fail.
      if (sent < asked) {
        this.#host.fileAwaitsRoom()
        return
      }
    }
    if (this.bytes === 0 && !this.ended) this.#host.fileSent(this, 0)
  }

  #notSent(result: number): void {
    if (result === -Errno.EAGAIN) this.#host.fileAwaitsRoom()
    else if (result < 0) this.#host.fileRefused(-result)
    else this.#host.fileLost(TRUNCATED)
  }

  /** @returns false where a thread reads the next bytes first; the turn goes on afterwards */
  #findCached(at: number): boolean {
    const { sender, file, inode, changedAt, start, bytes } = this.#file
    const chunkBytes = Math.min(MAX_CHUNK_BYTES, start + bytes - at)
    const range = { inode, changedAt, offset: at, bytes: chunkBytes }
    const nowMs = performance.now()
    this.#cachedTo = at + chunkBytes
    if (CACHED.has(range, nowMs)) return true
    if (sender.isFileCached(file, at, chunkBytes) === 1) {
      CACHED.add(range, nowMs)
      return true
    }
    this.#reads = true
    scratch ??= new Uint8Array(MAX_CHUNK_BYTES)
    read(file, scratch, 0, chunkBytes, at, (error) => {
      this.#reads = false
      if (this.ended) this.close()
      else if (error === null) this.#sendChunks()
      else this.#host.fileLost(unreadable(error))
    })
    return false
  }

  /** Bytes of the cache that were cut off from the file read as zeros, also in packets that are still to leave. */
  #hasShrunk(): boolean {
    const { file, start, bytes } = this.#file
    if (fstatSync(file).size >= start + bytes) return false
    this.#host.fileLost(TRUNCATED)
    return true
  }
}

const TRUNCATED: Ending = {
  code: 'ERR_ZC_FILE_TRUNCATED',
  message: 'The file became shorter while it was being sent.',
  init: {},
}

function unreadable(error: NodeJS.ErrnoException): Ending {
  return {
    code: 'ERR_ZC_SYSTEM',
    message: `The file cannot be read: ${error.message}.`,
    init: {
      errno: error.code,
      syscall: error.syscall,
      cause: error,
      remedy: 'Read the file by other means (cat FILE), and look at dmesg for its disk.',
    },
  }
}
