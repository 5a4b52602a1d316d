import { type Backend, Release } from '../src/driver/driver.js'

/**
 * `backend`, wrong on purpose: a message is released as soon as it is sent. With it a test proves, over a real kernel, that poison which
 * is written at `released` would be seen at the receiver.
 */
export function releasingEarly(backend: Backend): Backend {
  return {
    name: backend.name,
    probe: () => backend.probe(),
    open: ({ sink, fd, maxInFlight }) => {
      /** Releases that are to come from the kernel, and were given already, by token. */
      const given = new Map<number, number>()
      return backend.open({
        fd,
        maxInFlight,
        sink: {
          sent: (token, result) => {
            sink.sent(token, result)
            if (result <= 0) return
            given.set(token, (given.get(token) ?? 0) + 1)
            sink.released(token, Release.Copied)
          },
          released: (token, release) => {
            const count = given.get(token) ?? 0
            if (count === 0) sink.released(token, release)
            else given.set(token, count - 1)
          },
          wake: (bits) => sink.wake(bits),
        },
      })
    },
  }
}
