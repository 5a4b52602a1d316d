/** A source of numbers in [0, 1), the same sequence for the same seed. */
export type Random = () => number

/** Largest seed, exclusive: seeds are unsigned 32-bit integers. */
export const SEED_LIMIT = 2 ** 32

/**
 * Makes a reproducible generator, so that the order of a run can be repeated from its record.
 * The algorithm is splitmix32: a Weyl sequence through a 32-bit finalizer.
 * @param seed - unsigned 32-bit integer
 */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / SEED_LIMIT
  }
}

/** A copy of `items` in random order (Fisher and Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items]
  for (let last = result.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    const held = result[last] as T
    result[last] = result[other] as T
    result[other] = held
  }
  return result
}
