/**
 * The suite for the author of a backend: `conformance` registers every promise, and the pairs are the connections that it runs over.
 * @packageDocumentation
 */
export { type CaseResult, collectCases } from './collect.js'
export type { ConformanceOptions, TestFramework } from './contract.js'
export { type DatagramReceiver, type DatagramReceivers, udpReceivers } from './datagram-receivers.js'
export { tcpPairs, udpPairs } from './loopback-pairs.js'
export { type ConnectedPair, Inbox, type Peer } from './peers.js'
export { RemotePeers } from './remote-pairs.js'
export { conformance } from './suite.js'
export { type WriterLifetimeSuiteOptions, writerLifetimeSuite } from './writer-lifetime-suite.js'
export { runWriterStage, type WriterStageTask } from './writer-stage.js'
