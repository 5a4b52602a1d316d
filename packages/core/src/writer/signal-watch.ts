import { ZeroCopyError } from '../errors.js'
import type { WriteOptions } from '../writer.js'

const watched = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `onAbort` once when `signal` is aborted. One listener per signal, however many writes share it: Node.js warns of a leak from the
 * eleventh on.
 * @returns stops watching
 */
export function watchSignal(signal: AbortSignal, onAbort: () => void): () => void {
  let callbacks = watched.get(signal)
  if (callbacks === undefined) {
    const created = new Set<() => void>()
    callbacks = created
    watched.set(signal, created)
    signal.addEventListener('abort', () => {
      for (const callback of [...created]) callback()
    })
  }
  callbacks.add(onAbort)
  return () => callbacks.delete(onAbort)
}

/**
 * The signal of a write.
 * @throws ZeroCopyError ERR_ZC_INVALID_ARGUMENT where these are no options of `write()`
 */
export function signalOf(options: WriteOptions): AbortSignal | undefined {
  if (typeof options !== 'object' || options === null) {
    throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'The options of write() are an object, for example { signal }.')
  }
  const { signal } = options
  // Not instanceof: a signal of another realm, or of a package that stands in for it, is as good.
  if (signal === undefined || (typeof signal === 'object' && typeof signal?.addEventListener === 'function')) return signal
  throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'The signal of write() must be an AbortSignal.')
}
