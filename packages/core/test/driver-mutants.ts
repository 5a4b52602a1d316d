import { batchOf, type DriverMutation, messagesOf, POISON, withoutPin } from '../conformance/fixtures/index.js'
import { type Backend, type Driver, Errno, MessageFlag, Release, type ReleaseKind, Wake } from '../src/driver/driver.js'
import type { ReleaseOutcome } from '../src/errors.js'
import type { MemoryOptions } from '../src/testing/memory-backend.js'

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

/** Releases in the order of sending, whatever the notification says: the head (or the tail) of a list instead of the id. */
function releaseByPosition(take: (order: number[]) => number | undefined): DriverMutation {
  return {
    sink: (sink) => {
      const order: number[] = []
      return {
        sent: (token, result) => {
          if (result > 0) order.push(token)
          sink.sent(token, result)
        },
        released: (token, release) => {
          const taken = order.includes(token) ? (take(order) as number) : token
          const at = order.indexOf(taken)
          if (at >= 0) order.splice(at, 1)
          sink.released(taken, release)
        },
      }
    },
  }
}

const submittedBytes = (): { bytes: Map<number, number>; mutation: Pick<DriverMutation, 'driver'> } => {
  const bytes = new Map<number, number>()
  return {
    bytes,
    mutation: {
      driver: (driver) => ({
        submit: (batch) => {
          for (const { token, segments } of messagesOf(batch))
            bytes.set(
              token,
              segments.reduce((sum, { byteLength }) => sum + byteLength, 0),
            )
          driver.submit(batch)
        },
      }),
    },
  }
}

function loseRemainder(): DriverMutation {
  const { bytes, mutation } = submittedBytes()
  return {
    ...mutation,
    sink: (sink) => ({ sent: (token, result) => sink.sent(token, result > 0 ? (bytes.get(token) as number) : result) }),
  }
}

/** Frees what it has: memory in flight is overwritten when the driver is closed. */
function freeAtClose(): DriverMutation {
  const inFlight = new Map<number, Uint8Array[]>()
  return {
    sink: (sink) => ({
      released: (token, release) => {
        inFlight.delete(token)
        sink.released(token, release)
      },
    }),
    driver: (driver) => ({
      submit: (batch) => {
        for (const { token, segments } of messagesOf(batch)) inFlight.set(token, segments)
        driver.submit(batch)
      },
      close: () => {
        const left = driver.close()
        for (const segments of inFlight.values()) for (const segment of segments) segment.fill(POISON)
        return left
      },
    }),
  }
}

function everyNth(n: number): () => boolean {
  let count = 0
  return () => ++count % n === 0
}

const releaseEarly: DriverMutation = {
  sink: (sink) => {
    const already = new Set<number>()
    return {
      sent: (token, result) => {
        sink.sent(token, result)
        if (result <= 0) return
        already.add(token)
        sink.released(token, Release.Zerocopy)
      },
      // Its true release comes while the token may be in flight again.
      released: (token, release) => {
        if (!already.delete(token)) sink.released(token, release)
      },
    }
  },
}

const neverRelease: DriverMutation = {
  sink: (sink) => {
    const forgotten = everyNth(5)
    return {
      released: (token, release) => {
        if (!forgotten()) sink.released(token, release)
      },
    }
  },
}

const releaseTwice: DriverMutation = {
  sink: (sink) => ({
    released: (token, release) => {
      sink.released(token, release)
      sink.released(token, release)
    },
  }),
}

const hideCopies: DriverMutation = {
  sink: (sink) => ({
    released: (token, release: ReleaseKind) => sink.released(token, release === Release.Copied ? Release.Zerocopy : release),
  }),
}

const swapMessages: DriverMutation = {
  driver: (driver) => ({
    submit: (batch) => {
      const messages = messagesOf(batch)
      const [first, second, ...rest] = messages
      if (first === undefined || second === undefined) driver.submit(batch)
      else driver.submit(batchOf([second, first, ...rest]))
    },
  }),
}

const goOnAfterShort: DriverMutation = {
  driver: (driver) => ({
    submit: (batch) => {
      for (const message of messagesOf(batch)) driver.submit(batchOf([message]))
    },
  }),
}

/** The batch belongs to the caller again when submit returns; this one looks at it later. */
const readBatchLate: DriverMutation = {
  driver: (driver) => ({
    submit: (batch) => queueMicrotask(() => driver.submit(batch)),
  }),
}

const wakeTwice: DriverMutation = {
  sink: (sink) => ({
    wake: (bits) => {
      sink.wake(bits)
      sink.wake(bits)
    },
  }),
}

/** Whatever else was armed is forgotten when one bit fires. */
function forgetOtherBit(): DriverMutation {
  let woken: Driver | undefined
  return {
    driver: (driver) => {
      woken = driver
      return {}
    },
    sink: (sink) => ({
      wake: (bits) => {
        woken?.disarm(Wake.Writable | Wake.Notification)
        sink.wake(bits)
      },
    }),
  }
}

const ignoreDisarm: DriverMutation = { driver: () => ({ disarm: () => undefined }) }

const pollWhileIdle: DriverMutation = {
  driver: (driver) => {
    let calls = 0
    return {
      collect: () => {
        calls++
        driver.collect()
      },
      counters: () => ({ ...driver.counters(), collectCalls: driver.counters().collectCalls + calls }),
    }
  },
}

const oneBadDatagramFailsAll: DriverMutation = {
  sink: (sink) => {
    let failed = false
    return {
      sent: (token, result) => {
        failed ||= result === -Errno.EMSGSIZE
        sink.sent(token, failed ? -Errno.EMSGSIZE : result)
      },
    }
  },
}

const splitDatagrams: DriverMutation = {
  driver: (driver) => ({
    submit: (batch) => {
      const whole = messagesOf(batch)
      driver.submit(batchOf(whole.map((message) => ({ ...message, segments: message.segments.slice(0, 1) }))))
    },
  }),
}

const hideErrno = (errno: number, shown: number): DriverMutation => ({
  sink: (sink) => ({ sent: (token, result) => sink.sent(token, result === -errno ? -shown : result) }),
})

const askForCopies: DriverMutation = {
  driver: (driver) => ({
    submit: (batch) =>
      driver.submit(batchOf(messagesOf(batch).map((message) => ({ ...message, flags: message.flags & ~MessageFlag.Zerocopy })))),
  }),
}

/** As a handle without a generation: a call on a closed driver acts on the driver that was opened after it. */
function actOnSuccessor(member: 'disarm' | 'abort'): DriverMutation {
  let newest: Driver | undefined
  return {
    driver: (driver) => {
      newest = driver
      let closed = false
      return {
        [member]: (bits: number) => (closed ? newest : driver)?.[member](bits),
        close: () => {
          closed = true
          return driver.close()
        },
      }
    },
  }
}

const wakeAfterClose: DriverMutation = {
  driver: (driver, sink) => ({
    close: () => {
      setImmediate(() => sink.wake(Wake.Writable))
      return driver.close()
    },
  }),
}

/** Events that were fetched before the close are delivered all the same. */
const deliverAfterClose: DriverMutation = {
  sink: (sink) => ({
    released: (token, release) => {
      setImmediate(() => sink.released(token, release))
    },
  }),
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
