import { createHash } from 'node:crypto'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { VmError } from './errors.js'

/** Longest wait for another process that builds: 2 hours. */
export const buildLockTimeoutMs = 2 * 3600 * 1000

/**
 * A lock between processes of one machine: a listening socket in the abstract namespace, which the kernel
 * takes back however its holder ends. A waiter connects to it, and the end of that connection is the signal.
 * Source: unix(7), "Abstract sockets".
 */
export class BuildLock {
  readonly #server: Server
  readonly #waiters: ReadonlySet<Socket>

  private constructor(server: Server, waiters: ReadonlySet<Socket>) {
    this.#server = server
    this.#waiters = waiters
  }

  /**
   * @param folder what is locked
   * @param waiting called once when another process holds the lock
   * @throws VmError after {@link buildLockTimeoutMs}
   */
  static async take(folder: string, waiting: () => void, timeoutMs: number = buildLockTimeoutMs): Promise<BuildLock> {
    const address = `\0sendzc-vm-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`
    const deadline = Date.now() + timeoutMs
    for (let told = false; ; ) {
      const waiters = new Set<Socket>()
      const server = await listen(address, waiters)
      if (server !== undefined) return new BuildLock(server, waiters)
      if (!told) waiting()
      told = true
      const leftMs = deadline - Date.now()
      if (leftMs <= 0 || !(await outlive(address, leftMs))) throw new VmError(`another build of ${folder} does not end`)
    }
  }

  /** Gives the lock to a waiter. */
  release(): void {
    this.#server.close()
    for (const waiter of this.#waiters) waiter.destroy()
  }
}

function listen(address: string, waiters: Set<Socket>): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    // A waiter's connection stays open for as long as the lock is held.
    const server = createServer((waiter) => {
      waiters.add(waiter)
      waiter.unref()
      waiter.on('error', () => waiter.destroy())
      waiter.on('close', () => waiters.delete(waiter))
    })
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined)
      else reject(error)
    })
    server.listen(address, () => {
      server.unref()
      resolve(server)
    })
  })
}

/** Waits for the holder's end; `false` when the time is over first. */
function outlive(address: string, limitMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(address)
    const timer = setTimeout(() => finish(false), limitMs)
    function finish(ended: boolean): void {
      clearTimeout(timer)
      socket.destroy()
      resolve(ended)
    }
    // Refused: the holder ended between the attempt to listen and this one.
    socket.on('error', () => finish(true))
    socket.on('close', () => finish(true))
    socket.resume()
  })
}
