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
