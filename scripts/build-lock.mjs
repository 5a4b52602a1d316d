// One build in a folder at a time: two would write the same files. The lock is flock(2), held by a child that ends with this process, so that
// a build that is killed leaves none.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/** How long a build waits for another one, in ms: a first build on a slow machine takes minutes. */
const MAX_WAIT_MS = 600_000

/** Starts a holder, and waits until it has the lock. @returns undefined where it ends without it */
async function holder(path, flags, waitMs) {
  const child = spawn('flock', [...flags, path, 'sh', '-c', 'echo locked && exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] })
  // A holder that has ended takes no end of its input.
  child.stdin.on('error', () => undefined)
  const ended = new Promise((resolve, reject) => child.on('error', reject).on('exit', () => resolve(undefined)))
  const locked = once(child.stdout, 'data').then(() => ({ child, ended }))
  const timer = setTimeout(() => {
    child.stdin.destroy()
    child.kill('SIGKILL')
  }, waitMs)
  try {
    return await Promise.race([locked, ended])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Runs `body` while nobody else holds the lock of `path`.
 * @param {string} path - of a file that is made where it is missing, and stays
 * @param {string} what - for the messages: "the uring addon"
 * @param {() => Promise<T>} body
 * @param {{ maxWaitMs?: number, say?: (line: string) => void }} [options]
 * @returns {Promise<T>} the result of `body`
 * @throws Error where another build has the lock for longer than `maxWaitMs`
 * @template T
 */
export async function withBuildLock(path, what, body, { maxWaitMs = MAX_WAIT_MS, say = console.error } = {}) {
  mkdirSync(dirname(path), { recursive: true })
  let held
  try {
    held = await holder(path, ['-n'], maxWaitMs)
    if (held === undefined) {
      say(`sendzc: another process builds ${what}; waiting for it, up to ${maxWaitMs / 1_000} s`)
      held = await holder(path, [], maxWaitMs)
    }
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    say(`sendzc: building ${what} without a lock, since flock(1) of util-linux is missing: run one build at a time`)
    return body()
  }
  if (held === undefined) {
    throw new Error(`Another process has been building ${what} for ${maxWaitMs / 1_000} s. Wait for its end, or end it (fuser ${path}).`)
  }
  try {
    return await body()
  } finally {
    held.child.stdin.end()
    await held.ended
  }
}
