import { readFileSync } from 'node:fs'
import { release } from 'node:os'

/** Major and minor number of the running kernel, for example `[6, 2]`. */
export function kernelVersion(): [number, number] {
  const [major = 0, minor = 0] = release()
    .split('.')
    .map((part) => Number.parseInt(part, 10))
  return [major, minor]
}

/** Whether the running kernel is at least `major.minor`. Distributions backport, so this only explains; probing decides. */
export function kernelAtLeast(major: number, minor: number): boolean {
  const [hasMajor, hasMinor] = kernelVersion()
  return hasMajor > major || (hasMajor === major && hasMinor >= minor)
}

/** `kernel.io_uring_disabled` (Linux 6.6): 0, 1 or 2; undefined where the kernel has no such sysctl or hides it. */
export function ioUringDisabled(): number | undefined {
  try {
    return Number.parseInt(readFileSync('/proc/sys/kernel/io_uring_disabled', 'utf8'), 10)
  } catch {
    return undefined
  }
}

/** The soft limit RLIMIT_MEMLOCK in bytes (Infinity: unlimited), or undefined where it can't be read. */
export function memlockLimitBytes(): number | undefined {
  try {
    const line = /^Max locked memory\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    if (line === undefined) return undefined
    return line === 'unlimited' ? Number.POSITIVE_INFINITY : Number.parseInt(line, 10)
  } catch {
    return undefined
  }
}

/** CAP_IPC_LOCK, with which RLIMIT_MEMLOCK does not apply (capabilities(7)). */
export function canLockAnyMemory(): boolean {
  try {
    const mask = /^CapEff:\s+([0-9a-f]+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return mask !== undefined && (BigInt(`0x${mask}`) & (1n << 14n)) !== 0n
  } catch {
    return false
  }
}
