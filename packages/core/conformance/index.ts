export { bounded, SUITE_LIMITS, setWaitMs, until, WaitTimeout } from './bounded.js'
export { type CaseResult, collectCases } from './collect.js'
export { assertContent, content, fillContent, makeGarbage, POISON, pressGarbageCollector } from './content.js'
export { type ContentTask, runContentChild } from './content-child.js'
export { type ContentRun, runContent } from './content-run.js'
export { type ContentSuiteOptions, contentSuite } from './content-suite.js'
export type {
  ConformanceOptions,
  ContractPromise,
  DriverPromise,
  OpenWriter,
  PromiseCase,
  TestFramework,
  TestFunction,
} from './contract.js'
export { driverPromises } from './driver/index.js'
export { DriverSession, type MessageReport } from './driver/session.js'
export { DriverWitness } from './driver-witness.js'
export { countLoopTurns, fillConnection, type LoopTurns, SlowlyReadSocket, turnsWhileWatched } from './event-loop.js'
export { type LoopbackHost, tcpPairs, udpPairs } from './loopback-pairs.js'
export { openMemoryPair } from './memory-pair.js'
export type { NamedBackends } from './named-backends.js'
export { netSocketSuite } from './net-socket-suite.js'
export { type ConnectedPair, Inbox, type Peer } from './peers.js'
export { writerPromises } from './promises/index.js'
export { killablePairs, RemotePeers } from './remote-pairs.js'
export {
  datagramsOvertaken,
  type PinnedMemory,
  type SlowDeviceReport,
  submitDatagrams,
  terminateWithDatagramsQueued,
} from './slow-device.js'
export { slowLoopback, slowUdpPairs, whyNoSlowPairs } from './slow-pairs.js'
export { conformance } from './suite.js'
export { DriverTrial, Trial } from './trial.js'
export { ObservedWrite, rejection, WriteLedger } from './write-ledger.js'
export { type ErrorReport, reportWrites, type WriteEnd, type WriteReport, type WriteTask } from './write-report.js'
export { type WriterLifetimeSuiteOptions, writerLifetimeSuite } from './writer-lifetime-suite.js'
export { runWriterStage, type WriterStage, type WriterStageTask } from './writer-stage.js'
