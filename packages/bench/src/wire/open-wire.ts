import { readFileSync } from 'node:fs'
import { openSocket } from '@sendzc/socket'
import { familyOf, type Transport } from '../cells/cell.js'
import { BenchFailure } from '../cli/failure.js'
import { makePayload } from '../ends/payload.js'
import type { Receivers } from '../ends/receivers.js'
import { startDiscarding } from '../ends/receivers.js'
import type { SocketSettings } from '../ends/socket-settings.js'
import { DriverLoad } from '../loads/driver-load.js'
import { backendFor } from '../machine/backends.js'
import { WIRE_SENTENCE, type WireSettings } from '../record/wire-settings.js'
import { WireMeter } from './wire-meter.js'
import { WIRE_ADDRESSES } from './wire-namespace.js'
import { WirePeer } from './wire-peer.js'
import { endWithMaker, programsInside } from './wire-run.js'

/** The port that everything is sent to: the peer takes all of them. */
const PORT = 9_000

/** Sends of the control, and their size in bytes. */
const CONTROL_SENDS = 64
const CONTROL_BYTES = 16_384

/** Policies of sched(7), as sched_getscheduler(2) numbers them. */
const SCHED_FIFO = 1
const SCHED_RR = 2

/** What {@link openWire} opens. */
export interface OpenWireOptions {
  transports: readonly Transport[]
  /** CPU of the peer; null = not pinned. */
  cpu: number | null
  settings: SocketSettings
  wire: WireSettings
}

/** The other end of a run that is on a wire. */
export interface WireEnd extends Receivers {
  /** Sees the bytes leave. */
  wire: WireMeter
}

/**
 * Puts the peer at the other end of the wire, in the namespace that this process runs in.
 * @throws BenchFailure in one line where it does not work here
 */
export async function openWire({ transports, cpu, settings, wire }: OpenWireOptions): Promise<WireEnd> {
  const programs = programsInside()
  if (programs === undefined) throw new BenchFailure('The wire exists only within its namespace.')
  endWithMaker()
  const peer = await WirePeer.start({ programs, settings: wire, cpu })
  try {
    return {
      destinations: new Map(transports.map((transport) => [transport, { host: farAddress(transport), port: PORT }])),
      transports: [...transports],
      notes: [WIRE_SENTENCE, await controlNote(cpu, settings), ...schedulingNote()],
      processOf: () => undefined,
      wire: new WireMeter(peer),
      [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
    }
  } catch (error) {
    await peer[Symbol.asyncDispose]()
    throw error
  }
}

function farAddress(transport: Transport): string {
  return familyOf(transport) === 6 ? WIRE_ADDRESSES.far6 : WIRE_ADDRESSES.far4
}

/** The kernel's report over loopback in the same namespace, where it does copy: a kernel that never reports a copy would prove nothing on the wire. */
async function controlNote(cpu: number | null, settings: SocketSettings): Promise<string> {
  await using receiver = await startDiscarding('tcp4', cpu, settings)
  const { host, port } = receiver
  using socket = await openSocket({ protocol: 'tcp', family: 4, host, port, noDelay: true })
  const load = new DriverLoad({
    backend: backendFor('errqueue-recvmmsg', 1),
    fd: socket.fd,
    interval: 1,
    payload: makePayload(CONTROL_BYTES),
  })
  try {
    await load.run(CONTROL_SENDS)
    await load.drain()
    const { copiedSends, zerocopySends } = load.totals()
    return `Control: over loopback, in the same namespace, the kernel reported ${copiedSends} of ${copiedSends + zerocopySends} zero-copy sends as copied.`
  } finally {
    await load.close()
  }
}

/** Whether this process goes before others, which makes the load average mean something else. proc_pid_stat(5), fields 19, 40 and 41. */
function schedulingNote(): string[] {
  const stat = readFileSync('/proc/self/stat', 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [nice, policy] = [Number(fields[16]), Number(fields[38])]
  if (policy === SCHED_FIFO || policy === SCHED_RR)
    return ['Scheduling: the sender has a real-time priority (chrt), so that other work waits for it.']
  return nice < 0 ? [`Scheduling: the sender's nice value is ${nice}.`] : []
}
