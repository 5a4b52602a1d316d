import type { AnyCell } from '../cells/cell.js'
import type { TurnPlace } from '../cells/turn.js'
import type { Row } from '../record/record.js'
import type { Measurement } from './measure.js'

/** Makes the row of a record out of one measurement of one of our own senders. */
export function measuredRow(cell: AnyCell, { round, position }: TurnPlace, measured: Measurement, connections = 1): Row {
  const { driver } = measured
  const { sendCalls, collectCalls, emptyCollectCalls, notifications, notifiedIds } = driver
  return {
    transport: cell.transport,
    backend: cell.backend,
    level: cell.level,
    interval: cell.interval,
    sizeBytes: cell.sizeBytes,
    round,
    position,
    connections,
    sends: measured.sends,
    bytes: measured.bytes,
    seconds: measured.seconds,
    cpuUserUs: measured.cpuUserUs,
    cpuSystemUs: measured.cpuSystemUs,
    messages: measured.messages,
    notifications,
    notifiedIds,
    zerocopySends: measured.zerocopySends,
    copiedSends: measured.copiedSends,
    sendCalls,
    collectCalls,
    emptyCollectCalls,
    callsPerSend: measured.sends === 0 ? null : (sendCalls + collectCalls) / measured.sends,
    rangeWidthIds: notifications === 0 ? null : notifiedIds / notifications,
    partialSends: measured.partialSends,
    fullSockets: measured.fullSockets,
    noBuffers: measured.noBuffers,
    ...(cell.variant === undefined ? {} : { variant: cell.variant }),
    ...(measured.processor === undefined ? {} : { processor: measured.processor }),
  }
}
