import { type Backend, type Capability, ZeroCopyError } from '@sendzc/core'
import { type Driver, type DriverOpenOptions, type ProcessMemory, parseOptions } from '@sendzc/core/driver'
import { failureError, openFailure } from './failures.js'
import { FixedPool } from './fixed-pool.js'
import { loadNative } from './native.js'
import { type ResolvedUringOptions, type UringOptions, uringOptionsSchema } from './options.js'
import { probeUring } from './probe.js'
import { type RingDescription, UringRing } from './ring.js'
import { type RingSocket, UringDriver } from './uring-driver.js'

/** Address families and socket types of Linux that this file distinguishes. */
const AF_UNIX = 1
const AF_INET = 2
const AF_INET6 = 10
const SOCK_STREAM = 1
const SOCK_DGRAM = 2
const SOCK_SEQPACKET = 5
const IPPROTO_UDP = 17
/** Most messages in flight of one driver: 15 bits of a request's `user_data`. */
const MAX_IN_FLIGHT = 32_768

let pools = 0

/** Bytes that the drivers of this package keep pinned in the whole process. */
function processMemory(): ProcessMemory {
  const values = new Float64Array(2)
  loadNative().processMemory(values)
  return { pinnedBytes: values[0] as number, leakedBytes: values[1] as number }
}

/** The io_uring backend. See {@link uring}. */
export interface UringBackend extends Backend {
  readonly name: 'uring'
  /** Registered buffers; undefined without the option `fixedBuffers`. */
  readonly pool: FixedPool | undefined
  /** The properties of this backend's ring; undefined while no driver is open. */
  describeRing(): RingDescription | undefined
}

/**
 * Sends with io_uring: IORING_OP_SEND_ZC and IORING_OP_SENDMSG_ZC (Linux 6.1 for both; 6.2 to be told of copies). All writers of an
 * environment whose backends have equal options share one ring, so that one io_uring_enter submits for many sockets.
 * The ring is made at the first `open`, and closed a second after its last writer; an idle ring keeps no process alive.
 *
 * On TCP, Linux 6.10 and later reports a send as copied although its memory is shared, where all of it entered the packet buffer of an
 * earlier send that was still waiting: `released` is `'copied'` then, as with a copy that did happen. `auto` leaves such a report out of
 * its account; it goes by sends that begin a packet buffer of their own.
 *
 * Sources: io_uring(7), io_uring_setup(2), io_uring_enter(2) (IORING_OP_SEND_ZC, IORING_SEND_ZC_REPORT_USAGE); io_link_skb and
 * io_tx_ubuf_complete in io_uring/notif.c.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION
 */
export function uring(options?: UringOptions): UringBackend {
  const resolved = parseOptions(uringOptionsSchema, options, 'uring()')
  return new SharedRingBackend(resolved)
}

class SharedRingBackend implements UringBackend {
  readonly name = 'uring'
  readonly pool: FixedPool | undefined
  readonly #options: ResolvedUringOptions
  readonly #key: string
  #ring: UringRing | undefined

  constructor(options: ResolvedUringOptions) {
    this.#options = options
    const { fixedBuffers } = options
    if (fixedBuffers !== undefined) this.pool = new FixedPool(fixedBuffers.count, fixedBuffers.bytes)
    // A pool is registered with one ring, so a backend with a pool has a ring of its own.
    this.#key = JSON.stringify([options, this.pool === undefined ? 0 : ++pools])
  }

  get processMemory() {
    return [processMemory]
  }

  probe(): Capability {
    return probeUring(this.#options)
  }

  describeRing(): RingDescription | undefined {
    const ring = this.#ring
    return ring === undefined || ring.openDrivers === 0 ? undefined : ring.describe()
  }

  open({ fd, sink, maxInFlight }: DriverOpenOptions): Driver {
    if (!Number.isInteger(maxInFlight) || maxInFlight < 1 || maxInFlight > MAX_IN_FLIGHT) {
      throw new ZeroCopyError('ERR_ZC_INVALID_OPTION', `maxInFlight must be 1 to ${MAX_IN_FLIGHT}, not ${maxInFlight}.`)
    }
    const native = loadNative()
    const socket = checkSocket(fd)
    const ring = UringRing.acquire(this.#key, this.#options, this.pool?.region)
    this.#ring = ring
    const [domain = 0, type = 0, protocol = 0] = FACTS
    const handle = native.openDriver(ring.handle, fd, maxInFlight, domain, type, protocol)
    if (handle < 0) {
      ring.release()
      throw failureError(openFailure(-handle, fd), -handle, native.failedCall())
    }
    return new UringDriver(ring, handle, socket, maxInFlight, sink)
  }
}

/** The addon's facts about a socket that is being opened: domain, type, protocol, connected, listening. */
const FACTS = new Int32Array(5)

/** @returns the connected socket, or socket of UDP, that the descriptor is; throws where it is none that can do zero-copy */
function checkSocket(fd: number): RingSocket {
  const result = loadNative().socketFacts(fd, FACTS)
  if (result < 0) throw failureError(openFailure(-result, fd), -result, 'getsockopt')
  const domain = FACTS[0]
  const type = FACTS[1]
  const connected = FACTS[3]
  const listening = FACTS[4]
  if (domain === AF_UNIX) {
    throw new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', 'AF_UNIX sockets have no zero-copy: they copy within this machine.', {
      remedy: 'Use socket.write().',
    })
  }
  if (type === SOCK_SEQPACKET) {
    throw new ZeroCopyError('ERR_ZC_UNSUPPORTED_SOCKET', 'SOCK_SEQPACKET sockets are not supported.', { remedy: 'Use a stream socket.' })
  }
  const isUdp = type === SOCK_DGRAM && FACTS[2] === IPPROTO_UDP
  const addressFamily = !isUdp ? undefined : domain === AF_INET ? 4 : domain === AF_INET6 ? 6 : undefined
  if (listening === 1 || (connected !== 1 && addressFamily === undefined)) {
    throw new ZeroCopyError('ERR_ZC_NOT_CONNECTED', `The socket of descriptor ${fd} is not connected.`, {
      errno: 'ENOTCONN',
      syscall: 'getpeername',
      remedy: 'Connect it first.',
    })
  }
  return { kind: type === SOCK_STREAM ? 'stream' : 'datagram', addressFamily }
}
