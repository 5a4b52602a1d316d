export { allowedCpus, type Cpus, pinProcess, pinThread } from './cpu-affinity.js'
export { type AcceptOptions, ListeningSocket, listen } from './listening-socket.js'
export {
  ETHERNET_HEADER_BYTES,
  ethernetHeader,
  IPV4_HEADER_BYTES,
  IPV6_HEADER_BYTES,
  ipv4Header,
  ipv6Header,
} from './message-header.js'
export { bindSocket, OpenSocket, openSocket } from './open-socket.js'
export { PageSender, type PageSenderOptions, type PageTotals } from './page-sender.js'
export {
  DATAGRAM_HEADER_BYTES,
  type DatagramOptions,
  fillDatagram,
  fillPattern,
  MAX_DATAGRAM_BYTES,
  type Mismatch,
  type PatternOptions,
  POISON_BYTE,
  verifyPattern,
} from './pattern.js'
export { type CounterEvent, type CounterScope, PerfCounter } from './perf-counters.js'
export { Receiver, type ReceiverExit, startReceiver, type WaitOptions } from './receiver.js'
export { type ReceiverReport, type ReceiverTarget, receiverReportSchema } from './receiver-messages.js'
export { type BufferSizes, enableZerocopy, type SocketFacts, setBufferSizes, socketFacts } from './socket-facts.js'
export {
  type BindSpec,
  bindSpecSchema,
  EXPERIMENTAL_ETHER_TYPE,
  EXPERIMENTAL_PROTOCOL_NUMBER,
  type Ipv4HeaderOptions,
  type Ipv6HeaderOptions,
  type ListenSpec,
  listenSpecSchema,
  type ReceiverOptions,
  receiverOptionsSchema,
  SOCKET_LIMITS,
  type SocketProtocol,
  type SocketSpec,
  socketSpecSchema,
} from './socket-spec.js'
