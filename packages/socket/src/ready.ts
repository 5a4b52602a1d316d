import { ZeroCopyError } from '@sendzc/core'
import { native } from './native.js'
import { systemError } from './system-error.js'

const waiting = new Map<number, () => void>()
let nextId = 1
let registered = false

function onReady(id: number): void {
  const resolve = waiting.get(id)
  waiting.delete(id)
  resolve?.()
}

/** The bounds of a wait for readiness. */
export interface ReadyWait {
  fd: number
  /** True: until writable; false: until readable. An error or a hang-up is both. */
  writable: boolean
  /** Bound in ms. */
  timeoutMs: number
  /** Name of the option that set the bound. */
  timeoutName: string
  /** The subject of the wait, for the message of the error. */
  doing: string
  signal?: AbortSignal | undefined
}

/**
 * Resolves once a socket is ready. Watches it through a private epoll instance, so that libuv never sees the socket itself.
 * @throws ZeroCopyError ERR_ZC_LIMIT at the bound, ERR_ZC_ABORTED by the signal, ERR_ZC_BAD_DESCRIPTOR for a closed descriptor
 */
export async function waitReady({ fd, writable, timeoutMs, timeoutName, doing, signal }: ReadyWait): Promise<void> {
  // A reason of our own, such as "the listener was closed", is the better error.
  const aborted = () =>
    ZeroCopyError.is(signal?.reason) ? signal.reason : new ZeroCopyError('ERR_ZC_ABORTED', `Aborted ${doing}.`, { cause: signal?.reason })
  if (signal?.aborted) throw aborted()
  const addon = native()
  if (!registered) {
    addon.setOnReady(onReady)
    registered = true
  }
  const id = nextId
  nextId = nextId === 0xffff_ffff ? 1 : nextId + 1
  await new Promise<void>((resolve, reject) => {
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
      settle()
    }
    const fail = (error: ZeroCopyError) =>
      finish(() => {
        waiting.delete(id)
        reject(error)
      })
    const giveUp = (error: ZeroCopyError) => {
      addon.unwatch(fd)
      fail(error)
    }
    const onAbort = () => giveUp(aborted())
    const timer = setTimeout(() => {
      giveUp(new ZeroCopyError('ERR_ZC_LIMIT', `Failed ${doing}: ${timeoutName} (${timeoutMs} ms) has passed.`, { errno: 'ETIMEDOUT' }))
    }, timeoutMs)
    signal?.addEventListener('abort', onAbort, { once: true })
    waiting.set(id, () => finish(resolve))
    const result = addon.watch(fd, writable, id)
    if (result < 0) fail(systemError(result, 'epoll_ctl', { doing }))
  })
}
