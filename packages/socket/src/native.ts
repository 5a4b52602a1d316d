import { loadAddon } from '@sendzc/core/driver'

/** Numbers of `enum class socket_protocol` in native/open_socket.h. */
export const NativeProtocol = { tcp: 0, udp: 1, raw: 2, 'raw-hdrincl': 3, packet: 4, 'packet-dgram': 5, vsock: 6 } as const
/** Numbers of `enum class socket_role` in native/open_socket.h. */
export const NativeRole = { connect: 0, bind: 1, listen: 2 } as const
/** Numbers of `enum class receive_kind` in native/receive_totals.h. */
export const NativeReceiveKind = { tcp: 0, vsock: 1, datagram: 2, ipv4Raw: 3, ethernetRaw: 4 } as const
/** Numbers of `enum class receiver_command` in native/receiver.h. */
export const NativeCommand = { report: 1, pause: 2, resume: 3, resetConnections: 4, setTarget: 5, stop: 6 } as const

/** Numbers of `enum class perf_event` in native/perf_counter.h. */
export const NativeEvent = { cycles: 0, instructions: 1, 'task-clock': 2 } as const

/** Numbers of `enum class page_path` in native/page_sender.h. */
export const NativePagePath = { sendfile: 0, splice: 1, vmsplice: 2 } as const

/** `struct socket_spec`; every property is needed, and validated before. */
export interface NativeSpec {
  protocol: number
  role: number
  family: 4 | 6
  host: string
  localHost: string
  congestionControl: string
  device: string
  port: number
  localPort: number
  cid: number
  protocolNumber: number
  etherType: number
  mac: Uint8Array
  sendBufferBytes: number
  receiveBufferBytes: number
  backlog: number
  noDelay: boolean
}

/** `result` is a value, or a negated errno that `call` returned. */
export interface NativeAnswer {
  result: number
  call: string
}

export interface NativeAddress {
  result: number
  family: number
  host: string
  port: number
}

export interface NativeDetails {
  result: number
  domain: number
  type: number
  protocol: number
  connected: boolean
  listening: boolean
  sendBufferBytes: number
  receiveBufferBytes: number
  mtuBytes: number
  maxSegmentBytes: number
  congestionControl: string
  zerocopy: boolean
  nonBlocking: boolean
}

export interface NativeMismatch {
  unit: number | null
  offset: number
  expected: number
  got: number
  looksPoisoned: boolean
}

export interface NativeTotals {
  result: number
  bytes: number
  datagrams: number
  readCalls: number
  wakes: number
  droppedDatagrams: number
  connectionsAccepted: number
  connectionsOpen: number
  connectionsClosed: number
  connectionsReset: number
  verifyErrors: number
  outOfOrder: number
  nextSequence: number
  cpuUserUs: number
  cpuSystemUs: number
  seconds: number
  paused: boolean
  drained: boolean
  error: number
  errorCall: string
  firstMismatch: NativeMismatch | null
}

export interface NativeReceiverOptions {
  kind: number
  verify: boolean
  seed: number
  maxConnections: number
  wakeBytes: number
  coalesceUs: number
}

/** `struct page_totals`. */
export interface NativePageTotals {
  result: number
  /** Messages sent to their last byte. */
  messages: number
  bytes: number
  /** System calls. */
  calls: number
  /** Times that the socket took no more. */
  fullSockets: number
}

/** The addon. Functions that return a number answer 0 (or a descriptor), or a negated errno. */
export interface Native {
  open(spec: NativeSpec): NativeAnswer & { connecting: boolean; destination: Uint8Array }
  close(fd: number): number
  finishConnect(fd: number): number
  accept(fd: number): number
  enableZerocopy(fd: number): number
  setBufferSizes(fd: number, sendBufferBytes: number, receiveBufferBytes: number): NativeAnswer
  localAddress(fd: number): NativeAddress
  peerAddress(fd: number): NativeAddress
  details(fd: number): NativeDetails
  watch(fd: number, writable: boolean, id: number): number
  unwatch(fd: number): number
  setOnReady(onReady: (id: number) => void): number
  startReceiver(fd: number, options: NativeReceiverOptions): NativeAnswer & { eventFd: number }
  commandReceiver(
    receiver: number,
    command: number,
    bytes: number,
    datagrams: number,
    connectionsAccepted: number,
    connectionsEnded: number,
  ): NativeTotals
  freeReceiver(receiver: number): number
  fillPattern(buffer: Uint8Array, seed: number, offset: number): number
  fillDatagram(buffer: Uint8Array, seed: number, sequence: number): number
  verifyPattern(buffer: Uint8Array, seed: number, offset: number): { verifyErrors: number; firstMismatch: NativeMismatch | null }
  openPageSender(fd: number, path: number, content: Uint8Array, messageBytes: number): NativeAnswer
  /** Messages completed before the socket was full, or a negated errno. */
  sendPages(sender: number, messages: number): number
  pageSenderTotals(sender: number): NativePageTotals
  closePageSender(sender: number): number
  pinThread(cpus: readonly number[]): number
  pinProcess(cpus: readonly number[]): number
  allowedCpus(): number[] | number
  /** A descriptor, or a negated errno. */
  openPerfCounter(event: number, thread: number, cpu: number): number
  /** The count, or a negated errno. */
  readPerfCounter(fd: number): number
}

let loaded: Native | undefined

/**
 * The addon, loaded at the first use, so that the package can be imported on any platform.
 * @throws ZeroCopyError as `loadAddon` does
 */
export function native(): Native {
  loaded ??= loadAddon('socket', import.meta.url) as Native
  return loaded
}
