import { readFile } from 'node:fs/promises'
import { allowedCpus, pinThread } from '@sendzc/socket'

/** Where the two ends of a measurement run. */
export interface Processors {
  /** CPU number; null = not pinned. */
  sender: number | null
  receiver: number | null
}

/**
 * Chooses two CPUs, on different cores where there are such: two hardware threads of one core share what is measured.
 * @param asked - CPUs that the user named: sender, receiver
 * @returns nulls where this process may use only one CPU
 */
export async function chooseProcessors(asked: readonly number[] | undefined): Promise<Processors> {
  if (asked !== undefined) return { sender: asked[0] ?? null, receiver: asked[1] ?? null }
  const allowed = allowedCpus()
  const sender = allowed[0]
  if (sender === undefined || allowed.length < 2) return { sender: null, receiver: null }
  const siblings = await siblingsOf(sender)
  return { sender, receiver: allowed.find((cpu) => !siblings.has(cpu)) ?? allowed[1] ?? null }
}

/** Hardware threads of the same core, itself included, from /sys (Documentation/admin-guide/cputopology.rst): `0,4` or `0-1`. */
async function siblingsOf(cpu: number): Promise<Set<number>> {
  const list = await readFile(`/sys/devices/system/cpu/cpu${cpu}/topology/thread_siblings_list`, 'utf8').catch(() => String(cpu))
  const siblings = new Set<number>()
  for (const range of list.trim().split(',')) {
    const [first = Number.NaN, last = first] = range.split('-').map(Number)
    for (let one = first; one <= last; one++) siblings.add(one)
  }
  return siblings
}

/**
 * Pins the thread that sends. Only that one: V8's compiler and collector have threads of their own, which would else take turns with it.
 * Children started later inherit it: start receivers with a CPU of their own.
 * @throws ZeroCopyError for a CPU that does not exist or is not allowed
 */
export function pinSender(processors: Processors): void {
  if (processors.sender !== null) pinThread(processors.sender)
}
