import { readFileSync } from 'node:fs'

/** Bit of CAP_IPC_LOCK, with which RLIMIT_MEMLOCK does not apply (capabilities(7)). */
const CAP_IPC_LOCK = 14n

/** Texts of procfs that say how much memory a process may pin. */
export interface MemlockFacts {
  /** `/proc/self/limits` */
  limits: string
  /** `/proc/self/status` */
  status: string
  /** `/proc/self/uid_map`: the capabilities of a user namespace do not lift the limit. */
  uidMap: string
}

/**
 * Bytes that the kernel lets the user of this process pin for zero-copy sends: RLIMIT_MEMLOCK, which mm_account_pinned_pages() in net/core/skbuff.c
 * charges by user over all of the user's processes, or Infinity where the limit does not apply.
 */
export function pinnableBytesOf({ limits, status, uidMap }: MemlockFacts): number {
  const soft = /^Max locked memory\s+(\S+)/m.exec(limits)?.[1]
  if (soft === undefined || soft === 'unlimited') return Number.POSITIVE_INFINITY
  const mask = /^CapEff:\s+([0-9a-f]+)/m.exec(status)?.[1] ?? '0'
  const isInitialNamespace = /^\s*0\s+0\s+4294967295\s*$/.test(uidMap)
  if (isInitialNamespace && (BigInt(`0x${mask}`) & (1n << CAP_IPC_LOCK)) !== 0n) return Number.POSITIVE_INFINITY
  return Number(soft)
}

let known: number | undefined

/** {@link pinnableBytesOf} of this process, read once; Infinity where procfs does not say. */
export function pinnableBytes(): number {
  known ??= readPinnableBytes()
  return known
}

function readPinnableBytes(): number {
  try {
    const text = (name: string): string => readFileSync(`/proc/self/${name}`, 'utf8')
    return pinnableBytesOf({ limits: text('limits'), status: text('status'), uidMap: text('uid_map') })
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
