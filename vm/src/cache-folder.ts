import { mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { BuildLock } from './build-lock.js'
import { cleanUpOnSignal } from './child-command.js'
import { isOwnerAlive, ownIdentity } from './process-identity.js'

/** Finished builds of one kind that are kept; the one used longest ago goes first. */
export const maxCachedEntries = 6

/** Root of everything the harness keeps: `${XDG_CACHE_HOME:-~/.cache}/sendzc`. */
export function cacheRoot(): string {
  const base = process.env.XDG_CACHE_HOME
  return join(base?.startsWith('/') === true ? base : join(homedir(), '.cache'), 'sendzc')
}

/** A folder of finished builds, each named by the hash of what decides it. */
export class BuildCache {
  readonly #folder: string

  /** @param kind of build: a folder below {@link cacheRoot} */
  constructor(kind: string, root: string = cacheRoot()) {
    this.#folder = join(root, kind)
    mkdirSync(this.#folder, { recursive: true })
  }

  /** The folder of a finished build, marked as used now; `undefined` when there is none. */
  find(hash: string): string | undefined {
    const entry = join(this.#folder, hash)
    try {
      utimesSync(entry, new Date(), new Date())
      return entry
    } catch {
      return undefined
    }
  }

  /**
   * Returns the finished build, or makes it: in a folder of its own that takes its name only when complete,
   * under a lock, so that neither a killed nor a second build leaves half of one behind.
   *
   * @param make fills the folder it is given
   * @param waiting called once when another process builds
   */
  async findOrMake(hash: string, make: (folder: string) => Promise<void>, waiting: () => void): Promise<string> {
    const found = this.find(hash)
    if (found !== undefined) return found
    const lock = await BuildLock.take(this.#folder, waiting)
    try {
      const madeMeanwhile = this.find(hash)
      if (madeMeanwhile !== undefined) return madeMeanwhile
      sweepLeftovers(this.#folder, '.making-')
      const temporary = join(this.#folder, `.making-${ownIdentity()}`)
      const remove = () => rmSync(temporary, { recursive: true, force: true, maxRetries: 3 })
      const forget = cleanUpOnSignal(remove)
      mkdirSync(temporary)
      try {
        await make(temporary)
        renameSync(temporary, join(this.#folder, hash))
      } finally {
        remove()
        forget()
      }
      this.#prune()
      return join(this.#folder, hash)
    } finally {
      lock.release()
    }
  }

  #prune(): void {
    const entries = readdirSync(this.#folder)
      .filter((name) => !name.startsWith('.'))
      .map((name) => ({ path: join(this.#folder, name), usedMs: statSync(join(this.#folder, name)).mtimeMs }))
      .sort((a, b) => b.usedMs - a.usedMs)
    for (const { path } of entries.slice(maxCachedEntries)) rmSync(path, { recursive: true, force: true })
  }
}

/**
 * Removes the entries `<prefix><identity>...` of a folder whose process is gone.
 * See {@link ownIdentity}.
 */
export function sweepLeftovers(folder: string, prefix: string): void {
  for (const name of readdirSync(folder)) {
    if (name.startsWith(prefix) && !isOwnerAlive(name.slice(prefix.length))) {
      rmSync(join(folder, name), { recursive: true, force: true })
    }
  }
}
