// Sends datagrams that are refused, before and after an error condition that lasts, for a test that counts the events of the loop.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { performance } from 'node:perf_hooks'
import { Errno, Wake } from '@sendzc/core/driver'
import { bounded, descriptorOf, stopReceiving } from '@sendzc/core/fixtures'
import { errqueue } from '../../src/index.js'
import { CountingSink, sendOne, turns } from '../counting-sink.js'

/** What the child is to do. */
export interface RefusedSendsTask {
  collect: 'recvmsg' | 'recvmmsg'
  /** Datagrams that are sent while the driver is not armed. */
  sends: number
}

export interface RefusedSendsReport {
  /** Events of the loop during the unarmed sends that follow a wake-up. */
  eventsAfterWake: number
  /** The same, after an error condition that lasted. */
  eventsAfterLastingError: number
  /** Wake-ups until something was released after the error condition. */
  wakesBeforeNotification: number
  wakes: number
  /** Whether a send was refused. */
  refused: boolean
}

/** Connected to a port of the loopback address without a listener: every other datagram is refused. */
async function refusedSocket(): Promise<Socket> {
  const closed = createSocket('udp4').bind(0, '127.0.0.1')
  await bounded(once(closed, 'listening'), 'listening')
  const { port } = closed.address()
  closed.close()
  const socket = createSocket('udp4')
  socket.connect(port, '127.0.0.1')
  await bounded(once(socket, 'connect'), 'connection')
  // The events of the loop are to be the driver's alone.
  stopReceiving(socket)
  return socket
}

/** Events that descriptors have caused in the event loop so far. */
function loopEvents(): number {
  // Node.js 20.18 and 22.8; typed later.
  const { uvMetricsInfo } = performance.nodeTiming as unknown as { uvMetricsInfo: { events: number } }
  return uvMetricsInfo.events
}

const { collect, sends } = JSON.parse(process.argv[2] as string) as RefusedSendsTask
const socket = await refusedSocket()
const sink = new CountingSink()
const driver = errqueue({ collect }).open({ fd: descriptorOf(socket), sink, maxInFlight: 256 })
let token = 0
const send = (): void => sendOne(driver, 1000, token++)
/** The kernel reports a refused datagram on the next one, which it does not send. */
const sendTwo = (): void => {
  send()
  send()
}
const eventsOfSends = async (): Promise<number> => {
  await turns(10)
  const before = loopEvents()
  for (let count = 0; count < sends; count += 2) {
    sendTwo()
    await turns(2)
  }
  return loopEvents() - before
}
const wake = (): Promise<void> =>
  bounded(
    new Promise<void>((resolve) => {
      sink.onWake = resolve
    }),
    'wake-up',
  )
sendTwo()
driver.arm(Wake.Notification)
await wake()
const eventsAfterWake = await eventsOfSends()
// Refused, and not yet reported: an error condition that lasts, with no message in flight.
send()
driver.collect()
driver.arm(Wake.Notification)
await turns(10)
const wakesBeforeNotification = sink.wakes.length
const woken = wake()
sendTwo()
await woken
const eventsAfterLastingError = await eventsOfSends()
const report: RefusedSendsReport = {
  eventsAfterWake,
  eventsAfterLastingError,
  wakesBeforeNotification,
  wakes: sink.wakes.length,
  refused: sink.results.includes(-Errno.ECONNREFUSED),
}
console.log(JSON.stringify(report))
driver.close()
socket.close()
