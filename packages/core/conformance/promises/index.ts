import type { ContractPromise } from '../contract.js'
import { abort } from './abort.js'
import { addressedDatagrams } from './addressed-datagrams.js'
import { backpressure } from './backpressure.js'
import { broadcasts } from './broadcasts.js'
import { close } from './close.js'
import { datagramBoundaries } from './datagram-boundaries.js'
import { dispose } from './dispose.js'
import { driverCalls } from './driver-calls.js'
import { enobufs } from './enobufs.js'
import { files } from './files.js'
import { invalidInput } from './invalid-input.js'
import { mixedPieces } from './mixed-pieces.js'
import { noHandlesLeft } from './no-handles-left.js'
import { order } from './order.js'
import { outcome } from './outcome.js'
import { peerReset } from './peer-reset.js'
import { pools } from './pools.js'
import { probe } from './probe.js'
import { releasedAfterEveryNotification } from './released-after-every-notification.js'
import { releasedOnce } from './released-once.js'
import { sent } from './sent.js'
import { signal } from './signal.js'
import { stats } from './stats.js'
import { writable } from './writable.js'

/** The promises of a writer to its caller, one file each. */
export const writerPromises: readonly ContractPromise[] = [
  probe,
  sent,
  order,
  datagramBoundaries,
  addressedDatagrams,
  releasedOnce,
  releasedAfterEveryNotification,
  mixedPieces,
  outcome,
  backpressure,
  driverCalls,
  enobufs,
  signal,
  invalidInput,
  files,
  peerReset,
  stats,
  writable,
  broadcasts,
  pools,
  close,
  abort,
  dispose,
  noHandlesLeft,
]
