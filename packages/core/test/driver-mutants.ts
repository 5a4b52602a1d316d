import { type DriverMutation, withoutPin } from '../conformance/fixtures/index.js'
import { type Backend, Errno, Wake } from '../src/driver/driver.js'
import type { ReleaseOutcome } from '../src/errors.js'
import type { MemoryOptions } from '../src/testing/memory-backend.js'

import {
  actOnSuccessor,
  askForCopies,
  deliverAfterClose,
  forgetOtherBit,
  freeAtClose,
  goOnAfterShort,
  hideCopies,
  hideErrno,
  ignoreDisarm,
  loseRemainder,
  neverRelease,
  oneBadDatagramFailsAll,
  pollWhileIdle,
  readBatchLate,
  releaseByPosition,
  releaseEarly,
  releaseTwice,
  splitDatagrams,
  swapMessages,
  wakeAfterClose,
  wakeTwice,
} from './driver-mutations.js'

/** One way for a driver to be wrong, and the promises that must say so. */
export interface DriverMutant {
  name: string
  /** Promises that must fail, each by itself: of the driver's suite, of the writer's, or of both. */
  caughtBy: readonly string[]
  kind?: 'stream' | 'datagram'
  options?: MemoryOptions
  outcomes?: readonly ReleaseOutcome[]
  mutation?: DriverMutation
  /** Instead of a mutation: a backend made of the right one. */
  wrap?: (backend: Backend) => Backend
}

/** Every driver mutant. Those with `walkIds` replace the walk over a range of ids inside the memory driver. */
export const DRIVER_MUTANTS: readonly DriverMutant[] = [
  {
    name: 'release early',
    caughtBy: ['released-by-token', 'released-after-every-notification', 'writable', 'broadcast', 'buffer-pool'],
    mutation: releaseEarly,
  },
  { name: 'release twice', caughtBy: ['one-sent-one-released', 'driver-calls'], mutation: releaseTwice },
  { name: 'never release', caughtBy: ['one-sent-one-released', 'released-once', 'stats'], mutation: neverRelease },
  {
    name: 'release out of order: the oldest instead of the notified',
    caughtBy: ['released-by-token', 'released-after-every-notification'],
    options: { ranges: 'scattered', seed: 3 },
    mutation: releaseByPosition((order) => order[0]),
  },
  {
    name: 'release out of order: the newest instead of the notified',
    caughtBy: ['released-by-token', 'released-after-every-notification'],
    mutation: releaseByPosition((order) => order.at(-1)),
  },
  {
    name: 'skip a range that wraps',
    caughtBy: ['one-sent-one-released', 'released-once'],
    options: {
      firstId: 0xffff_fffd,
      walkIds: (lo, hi, visit) => {
        for (let id = lo; id <= hi; id++) visit(id)
      },
    },
  },
  {
    name: 'release only the first id of a range',
    caughtBy: ['one-sent-one-released', 'released-once'],
    options: { walkIds: (lo, _hi, visit) => visit(lo) },
  },
  {
    name: 'copied reported as zerocopy',
    caughtBy: ['outcome'],
    options: { copiedFraction: 1 },
    outcomes: ['copied'],
    mutation: hideCopies,
  },
  { name: 'copied without being asked to', caughtBy: ['outcome'], mutation: askForCopies },
  { name: 'lose the remainder of a short send', caughtBy: ['one-sent-one-released', 'order', 'sent'], mutation: loseRemainder() },
  { name: 'reorder two messages', caughtBy: ['order', 'canceled-after-short'], mutation: swapMessages },
  { name: 'go on after a short message', caughtBy: ['canceled-after-short'], mutation: goOnAfterShort },
  {
    name: 'go on after a datagram that found no room',
    caughtBy: ['order'],
    kind: 'datagram',
    options: { sendBufferBytes: 30_000 },
    mutation: goOnAfterShort,
  },
  { name: 'read the batch after submit returned', caughtBy: ['one-sent-one-released', 'sent'], mutation: readBatchLate },
  { name: 'free memory at close', caughtBy: ['driver-close'], mutation: freeAtClose() },
  {
    name: 'forget what is pinned at close',
    caughtBy: ['driver-close'],
    mutation: { driver: (driver) => ({ close: () => driver.close() * 0 }) },
  },
  { name: 'no pin', caughtBy: ['pinned-until-released'], wrap: withoutPin },
  { name: 'closed, disarm another', caughtBy: ['driver-close'], mutation: actOnSuccessor('disarm') },
  { name: 'closed, abort another', caughtBy: ['driver-close'], mutation: actOnSuccessor('abort') },
  { name: 'wake after close', caughtBy: ['driver-close'], mutation: wakeAfterClose },
  { name: 'released after close', caughtBy: ['driver-close'], mutation: deliverAfterClose },
  { name: 'wake twice', caughtBy: ['arm-and-disarm'], mutation: wakeTwice },
  { name: 'forget the other bit at a wake-up', caughtBy: ['arm-and-disarm'], mutation: forgetOtherBit() },
  { name: 'ignore disarm', caughtBy: ['arm-and-disarm'], mutation: ignoreDisarm },
  {
    name: 'never wake for room',
    caughtBy: ['arm-and-disarm', 'order'],
    mutation: { driver: (driver) => ({ arm: (bits) => driver.arm(bits & ~Wake.Writable) }) },
  },
  {
    name: 'never wake for notifications',
    caughtBy: ['one-sent-one-released', 'released-once'],
    mutation: { driver: (driver) => ({ arm: (bits) => driver.arm(bits & ~Wake.Notification) }) },
  },
  { name: 'collect while nothing is in flight', caughtBy: ['driver-counters'], mutation: pollWhileIdle },
  {
    name: 'abort that does nothing',
    caughtBy: ['driver-abort', 'abort', 'close'],
    mutation: { driver: () => ({ abort: () => undefined }) },
  },
  {
    name: 'one bad datagram fails the batch',
    caughtBy: ['driver-datagrams', 'datagram-boundaries'],
    kind: 'datagram',
    mutation: oneBadDatagramFailsAll,
  },
  {
    name: 'send only the first segment',
    caughtBy: ['driver-datagrams', 'datagram-boundaries'],
    kind: 'datagram',
    mutation: splitDatagrams,
  },
  {
    name: 'say that envelopes are sent, and ignore them',
    caughtBy: ['addressed-datagrams'],
    kind: 'datagram',
    mutation: { driver: () => ({ addressFamily: 4 }) },
  },
  {
    name: 'a file is sent whole at once',
    caughtBy: ['files'],
    mutation: {
      driver: (driver) => ({ sendFile: (file, offset, bytes) => Math.min(driver.sendFile?.(file, offset, bytes) ?? 0, 0) || bytes }),
    },
  },
  {
    name: 'a file begins where its descriptor stands',
    caughtBy: ['files'],
    mutation: { driver: (driver) => ({ sendFile: (file, _offset, bytes) => driver.sendFile?.(file, 0, bytes) ?? 0 }) },
  },
  { name: 'the descriptor of a file is kept', caughtBy: ['files'], mutation: { driver: () => ({ closeFile: () => undefined }) } },
  {
    name: "the caller's own descriptor serves",
    caughtBy: ['files'],
    mutation: {
      driver: (driver) => ({
        openFile: (fd, facts) => {
          const own = driver.openFile?.(fd, facts) ?? 0
          if (own >= 0) driver.closeFile?.(own)
          return own < 0 ? own : fd
        },
      }),
    },
  },
  { name: 'hide a reset', caughtBy: ['peer-reset'], mutation: hideErrno(Errno.ECONNRESET, Errno.EINVAL) },
  { name: 'hide a refusal for want of memory', caughtBy: ['enobufs'], mutation: hideErrno(Errno.ENOBUFS, Errno.EAGAIN) },
]
