import { ZeroCopyError } from '../errors.js'
import type { WriteOptions } from '../writer.js'

const watched = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `onAbort` once when `signal` is aborted. All writes of a signal share one listener: Node.js warns of a leak from the
 * eleventh listener on.
 * @returns a function that stops the watching
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
 * @throws ZeroCopyError ERR_ZC_INVALID_ARGUMENT where `options` is no object, or its `signal` no AbortSignal
 */
export function signalOf(options: WriteOptions): AbortSignal | undefined {
  if (typeof options !== 'object' || options === null) {
    throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'The options of write() are an object, for example { signal }.')
  }
  const { signal } = options
  // A look at the method, since `instanceof` would refuse a signal of another realm, or of a package that stands in for it.
  if (signal === undefined || (typeof signal === 'object' && typeof signal?.addEventListener === 'function')) return signal
  throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', 'The signal of write() must be an AbortSignal.')
}
