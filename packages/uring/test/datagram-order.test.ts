import { describe, expect, it } from 'vitest'
import { BACKENDS } from './children/backends.js'
import { parsed, runInNamespace } from './children/child.js'

const CHILD_TEST_MS = 90_000
/** Datagrams leave a loopback device at once, so that its sockets are never full; a device with a rate keeps them. */
const SLOW_LOOPBACK = 'ip link set lo mtu 16384 && tc qdisc add dev lo root tbf rate 60mbit burst 64kb limit 3000000'

describe('datagrams of one writer into a socket that is full', () => {
  for (const backend of Object.keys(BACKENDS)) {
    it.each(['127.0.0.1', '::1'])(
      `arrive in the order of the calls, ${backend} %s`,
      async (host) => {
        const end = await runInNamespace(SLOW_LOOPBACK, './datagram-order-child.ts', { backend, host })
        expect(parsed<string[]>(end)).toEqual([])
      },
      CHILD_TEST_MS,
    )
  }
})
