import { existsSync, readdirSync } from 'node:fs'
import { until } from './bounded.js'

const DESCRIPTORS = '/proc/self/fd'

/** Resources that keep the event loop alive, by kind, less immediates: the suite waits by them. */
export function activeResources(): Map<string, number> {
  const counts = new Map<string, number>()
  for (const resource of process.getActiveResourcesInfo()) {
    if (resource !== 'Immediate') counts.set(resource, (counts.get(resource) ?? 0) + 1)
  }
  return counts
}

/** Descriptors of this process; 0 where the system does not show them. */
export function descriptorCount(): number {
  return existsSync(DESCRIPTORS) ? readdirSync(DESCRIPTORS).length : 0
}

/**
 * Waits, within the bound of one wait, until no kind of resource is more numerous than in `before`.
 * @returns those that still are, as `kind: count`
 */
export async function resourcesGrown(before: ReadonlyMap<string, number>): Promise<string[]> {
  const grown = (): string[] =>
    [...activeResources()].filter(([kind, count]) => count > (before.get(kind) ?? 0)).map(([kind, count]) => `${kind}: ${count}`)
  await until(() => grown().length === 0, 'end of every handle').catch(() => undefined)
  return grown()
}

/**
 * Waits, within the bound of one wait, until no more than `before` descriptors are open: a descriptor may close after the event that reports it.
 * @returns how many more there still are
 */
export async function descriptorsGrown(before: number): Promise<number> {
  const grown = (): number => Math.max(0, descriptorCount() - before)
  await until(() => grown() === 0, 'close of every descriptor').catch(() => undefined)
  return grown()
}
