import type { DriverPromise } from '../contract.js'
import { driverAbort } from './abort.js'
import { armAndDisarm } from './arm-and-disarm.js'
import { canceledAfterShort } from './canceled-after-short.js'
import { driverClose } from './close.js'
import { driverCounters } from './counters.js'
import { driverDatagrams } from './datagrams.js'
import { oneSentOneReleased } from './one-sent-one-released.js'
import { pinnedUntilReleased } from './pinned-until-released.js'
import { releasedByToken } from './released-by-token.js'

/** The promises of a driver to the writer, one file each. */
export const driverPromises: readonly DriverPromise[] = [
  oneSentOneReleased,
  releasedByToken,
  pinnedUntilReleased,
  canceledAfterShort,
  driverDatagrams,
  armAndDisarm,
  driverCounters,
  driverAbort,
  driverClose,
]
