import { expect, it } from 'vitest'
import { PendingWrite } from '../src/writer/pending-write.js'
import { WriteQueue } from '../src/writer/write-queue.js'

const write = (sequence: number): PendingWrite => new PendingWrite(new Uint8Array(1), 1, sequence)
const turn = (sequence: number): PendingWrite => new PendingWrite([], 0, sequence, () => undefined)
const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, index) => from + index)

/** The order, gone through forwards; and the links backwards must say the same. */
function order(queue: WriteQueue): number[] {
  const forwards: number[] = []
  let last: PendingWrite | undefined
  for (let at = queue.first; at !== undefined; at = at.next) {
    expect(at.previous).toBe(last)
    forwards.push(at.sequence)
    last = at
  }
  return forwards
}

function queueOf(count: number): { queue: WriteQueue; writes: PendingWrite[] } {
  const queue = new WriteQueue()
  const writes = range(0, count).map(write)
  for (const each of writes) queue.push(each)
  return { queue, writes }
}

it('keeps the order of calls', () => {
  const { queue } = queueOf(300)
  expect(order(queue)).toEqual(range(0, 300))
  expect([queue.length, queue.unsentBytes]).toEqual([300, 300])
  expect(range(0, 300).map(() => queue.shift().sequence)).toEqual(range(0, 300))
  expect([queue.length, queue.unsentBytes, queue.first]).toEqual([0, 0, undefined])
})

it('puts back what was taken in whatever order it comes back', () => {
  const { queue } = queueOf(64)
  const taken = range(0, 20).map(() => queue.shift())
  for (const sequence of [3, 19, 0, 7, 1]) queue.putBack(taken[sequence] as PendingWrite)
  expect(order(queue)).toEqual([0, 1, 3, 7, 19, ...range(20, 64)])
  for (const sequence of range(8, 19)) queue.putBack(taken[sequence] as PendingWrite)
  expect(order(queue)).toEqual([0, 1, 3, ...range(7, 64)])
  queue.takeAll()
  for (const sequence of [5, 4, 6]) queue.putBack(taken[sequence] as PendingWrite)
  expect(order(queue)).toEqual([4, 5, 6])
})

it('removes from anywhere, and knows what is not in it', () => {
  const { queue, writes } = queueOf(60)
  for (const sequence of [0, 59, 30]) expect(queue.remove(writes[sequence] as PendingWrite)).toBe(true)
  for (const sequence of [0, 59, 30]) expect(queue.remove(writes[sequence] as PendingWrite)).toBe(false)
  expect(order(queue)).toEqual([...range(1, 30), ...range(31, 59)])
  expect(queue.takeAll().map(({ sequence }) => sequence)).toEqual([...range(1, 30), ...range(31, 59)])
  expect(queue.length).toBe(0)
  const alone = write(7)
  queue.push(alone)
  expect(queue.remove(alone)).toBe(true)
  expect(queue.first).toBeUndefined()
})

it('counts writes and their unsent bytes, and no turn', () => {
  const { queue } = queueOf(2)
  queue.push(turn(2))
  queue.unshift(turn(-1))
  expect(order(queue)).toEqual([-1, 0, 1, 2])
  expect([queue.length, queue.unsentBytes]).toEqual([2, 2])
  queue.shift()
  queue.firstSent(1)
  expect([queue.length, queue.unsentBytes]).toEqual([2, 1])
  queue.shift()
  expect([queue.length, queue.unsentBytes]).toEqual([1, 1])
})
