import { expect, it } from 'vitest'
import { PendingWrite } from '../src/writer/pending-write.js'
import { WriteQueue } from '../src/writer/write-queue.js'

const write = (sequence: number): PendingWrite => new PendingWrite(new Uint8Array(1), 1, sequence)
const order = (queue: WriteQueue): number[] => Array.from({ length: queue.length }, (_, index) => queue.at(index).sequence)
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index)

/** A queue that holds `count` writes and has been gone through `turned` times, so that its first place is not that of the array. */
function queueOf(count: number, turned: number): { queue: WriteQueue; writes: PendingWrite[] } {
  const queue = new WriteQueue()
  for (let at = 0; at < turned; at++) {
    queue.push(write(-1))
    queue.shift()
  }
  const writes = range(0, count).map(write)
  for (const each of writes) queue.push(each)
  return { queue, writes }
}

for (const turned of [0, 40, 63]) {
  it(`keeps the order of calls while it grows, begun at place ${turned}`, () => {
    const { queue } = queueOf(300, turned)
    expect(order(queue)).toEqual(range(0, 300))
    expect(queue.unsentBytes).toBe(300)
    expect(range(0, 300).map(() => queue.shift().sequence)).toEqual(range(0, 300))
    expect(queue.length).toBe(0)
  })

  it(`puts back what was taken in whatever order it comes back, begun at place ${turned}`, () => {
    const { queue } = queueOf(64, turned)
    const taken = range(0, 20).map(() => queue.shift())
    for (const sequence of [3, 19, 0, 7, 1]) queue.putBack(taken[sequence] as PendingWrite)
    expect(order(queue)).toEqual([0, 1, 3, 7, 19, ...range(20, 64)])
    // Full by now: one more has to grow it.
    for (const sequence of range(8, 19)) queue.putBack(taken[sequence] as PendingWrite)
    expect(order(queue)).toEqual([0, 1, 3, ...range(7, 64)])
  })

  it(`removes from anywhere, begun at place ${turned}`, () => {
    const { queue, writes } = queueOf(60, turned)
    for (const sequence of [0, 59, 30]) expect(queue.remove(writes[sequence] as PendingWrite)).toBe(true)
    expect(queue.remove(writes[30] as PendingWrite)).toBe(false)
    expect(order(queue)).toEqual([...range(1, 30), ...range(31, 59)])
    expect(queue.takeAll().map(({ sequence }) => sequence)).toEqual([...range(1, 30), ...range(31, 59)])
    expect(queue.length).toBe(0)
  })
}
