// In a process whose notifications are shifted (shifted_ids.cc): runs one promise of the suite over errqueue, and prints the failures.
import { type ConnectedPair, collectCases, conformance, tcpPairs, udpPairs } from '@sendzc/core/conformance'
import { setWaitMs, slowUdpPairs } from '@sendzc/core/fixtures'
import { errqueue } from '../../src/index.js'

/** The task of this child. */
export interface WrapTask {
  kind: 'stream' | 'datagram'
  collect: 'recvmsg' | 'recvmmsg'
  promise: string
  /** One wait, in ms. */
  waitMs: number
}

const task = JSON.parse(process.argv[2] as string) as WrapTask
setWaitMs(task.waitMs)

/** Leaves SO_ZEROCOPY on, so that the next driver asks for the id where the kernel's count stands. */
function calibrated(open: () => Promise<ConnectedPair>): () => Promise<ConnectedPair> {
  return async () => {
    const pair = await open()
    const nothing = (): void => undefined
    errqueue()
      .open({ fd: pair.fd, maxInFlight: 1, sink: { sent: nothing, released: nothing, wake: nothing } })
      .close()
    return pair
  }
}

const results = await collectCases(
  ({ describe, it }) =>
    conformance({
      describe,
      it,
      name: 'wrap',
      kind: task.kind,
      openPair: calibrated(task.kind === 'stream' ? tcpPairs('127.0.0.1') : udpPairs('127.0.0.1')),
      openSlowPair: calibrated(slowUdpPairs()),
      backend: () => errqueue({ collect: task.collect }),
      expectOutcomes: ['copied'],
      only: [task.promise],
    }),
  { bail: true },
)
const failed = results
  .filter(({ error }) => error !== undefined)
  .map(({ promise, name, error }) => `${promise}: ${name}: ${error?.message}`)
process.stdout.write(JSON.stringify({ cases: results.length, failed }), () => process.exit())
