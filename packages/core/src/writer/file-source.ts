import { constants } from 'node:fs'
import type { Driver, FileSender } from '../driver/driver.js'
import { Errno, errnoName } from '../driver/errno.js'
import { ZeroCopyError } from '../errors.js'
import type { FileSource, WriteFileOptions } from '../writer.js'

/** A range of a regular file that is ready to be sent. */
export interface OpenedFile {
  sender: FileSender
  /** Descriptor that the driver has made for itself. */
  file: number
  /** st_ino, and st_ctim in seconds; 0 where the driver does not say. */
  inode: number
  changedAt: number
  /** First byte, and number of bytes. */
  start: number
  bytes: number
}

/** The kernel's own number, which Node.js does not name (O_PATH, fcntl.h). */
const O_PATH = 0o10000000

/** See {@link FileSender.openFile}. */
const FACTS = new Float64Array(6)

/**
 * Opens a file for a driver, and checks all that can be checked before the first byte.
 * @throws ZeroCopyError
 */
export function openFileSource(driver: Driver, source: FileSource, options: WriteFileOptions): OpenedFile {
  const { start, end } = rangeOf(options)
  const sender = fileSender(driver)
  const file = sender.openFile(descriptorOf(source), FACTS.fill(0))
  if (file < 0) throw openingError(-file)
  try {
    const [size, mode, flags, neverBlocks, inode, changedAt] = FACTS as unknown as [number, number, number, number, number, number]
    checkFile(mode, flags, neverBlocks === 1)
    return { sender, file, inode, changedAt, start, bytes: rangeBytes(start, end, size) }
  } catch (error) {
    sender.closeFile(file)
    throw error
  }
}

function fileSender(driver: Driver): FileSender {
  if (driver.kind === 'datagram') {
    throw new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', 'A file is sent as a part of a stream, and this is a datagram socket.', {
      remedy: 'Read the file, and write() one datagram after the other.',
    })
  }
  if (driver.sendFile === undefined) {
    throw new ZeroCopyError('ERR_ZC_BACKEND_UNAVAILABLE', `The ${driver.backend} backend sends no files.`, {
      remedy: 'Pipe fs.createReadStream() into toWritable(writer), or use a backend of sendzc.',
    })
  }
  return driver as Driver & FileSender
}

function descriptorOf(source: unknown): number {
  const fd = typeof source === 'object' && source !== null && 'fd' in source ? source.fd : source
  // The `fd` of a FileHandle that was closed.
  if (fd === -1) throw openingError(Errno.EBADF)
  if (Number.isInteger(fd) && (fd as number) >= 0 && (fd as number) <= 0x7fff_ffff) return fd as number
  throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'writeFile() takes a FileHandle or the number of a descriptor.', {
    remedy: 'Open the file first: await fs.promises.open(path).',
  })
}

function rangeOf({ start = 0, end = Number.POSITIVE_INFINITY }: WriteFileOptions): { start: number; end: number } {
  const isPosition = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
  if (isPosition(start) && (end === Number.POSITIVE_INFINITY || isPosition(end))) return { start, end }
  throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'start and end of writeFile() are positions in the file: whole numbers from 0 on.')
}

function rangeBytes(start: number, end: number, size: number): number {
  if (end === Number.POSITIVE_INFINITY ? start <= size : start <= end && end < size) return Math.min(end + 1, size) - start
  throw new ZeroCopyError('ERR_ZC_FILE_RANGE', `The file has ${size} bytes; the range is from ${start} to ${end}.`)
}

function checkFile(mode: number, flags: number, neverBlocks: boolean): void {
  if ((mode & constants.S_IFMT) !== constants.S_IFREG) {
    const found = KINDS[mode & constants.S_IFMT] ?? 'something else'
    throw new ZeroCopyError('ERR_ZC_NOT_A_FILE', `writeFile() sends a regular file; the descriptor is ${found}.`)
  }
  if ((flags & 3) === constants.O_WRONLY || (flags & O_PATH) !== 0) {
    throw new ZeroCopyError('ERR_ZC_BAD_DESCRIPTOR', 'The file is not open for reading.', { remedy: "Open it with the flag 'r' or 'r+'." })
  }
  if (!neverBlocks) {
    throw new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', 'The socket is in blocking mode: sendfile() would stop the event loop.', {
      remedy: 'Set O_NONBLOCK on it (fcntl(2)), as a net.Socket has it.',
    })
  }
}

const KINDS: Readonly<Record<number, string>> = {
  [constants.S_IFDIR]: 'a directory',
  [constants.S_IFIFO]: 'a pipe',
  [constants.S_IFSOCK]: 'a socket',
  [constants.S_IFCHR]: 'a character device',
  [constants.S_IFBLK]: 'a block device',
}

function openingError(errno: number): ZeroCopyError {
  const init = { errno: errnoName(errno), syscall: 'fcntl' }
  if (errno === Errno.EBADF) {
    return new ZeroCopyError('ERR_ZC_BAD_DESCRIPTOR', 'The descriptor of the file is closed.', {
      ...init,
      remedy: 'Close the FileHandle after writeFile() was called.',
    })
  }
  if (errno === Errno.EMFILE) {
    return new ZeroCopyError('ERR_ZC_LIMIT', 'The process has no free descriptor for the file (EMFILE).', {
      ...init,
      remedy: 'Raise RLIMIT_NOFILE (ulimit -n), or queue fewer files at a time: each holds a descriptor until it is sent.',
    })
  }
  return new ZeroCopyError('ERR_ZC_SYSTEM', `The file cannot be opened for sending (${errnoName(errno)}).`, init)
}
