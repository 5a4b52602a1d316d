import { batchOf, type DriverMutation, messagesOf, POISON } from '../conformance/fixtures/index.js'
import { type Driver, Errno, MessageFlag, Release, type ReleaseKind, Wake } from '../src/driver/driver.js'

/** Releases in the order of sending, whatever the notification says: the head (or the tail) of a list instead of the id. */
export function releaseByPosition(take: (order: number[]) => number | undefined): DriverMutation {
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

export function loseRemainder(): DriverMutation {
  const { bytes, mutation } = submittedBytes()
  return {
    ...mutation,
    sink: (sink) => ({ sent: (token, result) => sink.sent(token, result > 0 ? (bytes.get(token) as number) : result) }),
  }
}

/** Frees what it has: memory in flight is overwritten when the driver is closed. */
export function freeAtClose(): DriverMutation {
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

export const releaseEarly: DriverMutation = {
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

export const neverRelease: DriverMutation = {
  sink: (sink) => {
    const forgotten = everyNth(5)
    return {
      released: (token, release) => {
        if (!forgotten()) sink.released(token, release)
      },
    }
  },
}

export const releaseTwice: DriverMutation = {
  sink: (sink) => ({
    released: (token, release) => {
      sink.released(token, release)
      sink.released(token, release)
    },
  }),
}

export const hideCopies: DriverMutation = {
  sink: (sink) => ({
    released: (token, release: ReleaseKind) => sink.released(token, release === Release.Copied ? Release.Zerocopy : release),
  }),
}

export const swapMessages: DriverMutation = {
  driver: (driver) => ({
    submit: (batch) => {
      const messages = messagesOf(batch)
      const [first, second, ...rest] = messages
      if (first === undefined || second === undefined) driver.submit(batch)
      else driver.submit(batchOf([second, first, ...rest]))
    },
  }),
}

export const goOnAfterShort: DriverMutation = {
  driver: (driver) => ({
    submit: (batch) => {
      for (const message of messagesOf(batch)) driver.submit(batchOf([message]))
    },
  }),
}

/** The batch belongs to the caller again when submit returns; this one looks at it later. */
export const readBatchLate: DriverMutation = {
  driver: (driver) => ({
    submit: (batch) => queueMicrotask(() => driver.submit(batch)),
  }),
}

export const wakeTwice: DriverMutation = {
  sink: (sink) => ({
    wake: (bits) => {
      sink.wake(bits)
      sink.wake(bits)
    },
  }),
}

/** Whatever else was armed is forgotten when one bit fires. */
export function forgetOtherBit(): DriverMutation {
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

export const ignoreDisarm: DriverMutation = { driver: () => ({ disarm: () => undefined }) }

export const pollWhileIdle: DriverMutation = {
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

export const oneBadDatagramFailsAll: DriverMutation = {
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

export const splitDatagrams: DriverMutation = {
  driver: (driver) => ({
    submit: (batch) => {
      const whole = messagesOf(batch)
      driver.submit(batchOf(whole.map((message) => ({ ...message, segments: message.segments.slice(0, 1) }))))
    },
  }),
}

export const hideErrno = (errno: number, shown: number): DriverMutation => ({
  sink: (sink) => ({ sent: (token, result) => sink.sent(token, result === -errno ? -shown : result) }),
})

export const askForCopies: DriverMutation = {
  driver: (driver) => ({
    submit: (batch) =>
      driver.submit(batchOf(messagesOf(batch).map((message) => ({ ...message, flags: message.flags & ~MessageFlag.Zerocopy })))),
  }),
}

/** As a handle without a generation: a call on a closed driver acts on the driver that was opened after it. */
export function actOnSuccessor(member: 'disarm' | 'abort'): DriverMutation {
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

export const wakeAfterClose: DriverMutation = {
  driver: (driver, sink) => ({
    close: () => {
      setImmediate(() => sink.wake(Wake.Writable))
      return driver.close()
    },
  }),
}

/** Events that were fetched before the close are delivered all the same. */
export const deliverAfterClose: DriverMutation = {
  sink: (sink) => ({
    released: (token, release) => {
      setImmediate(() => sink.released(token, release))
    },
  }),
}
