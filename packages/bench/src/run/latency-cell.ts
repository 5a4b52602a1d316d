import { openWriter } from '@sendzc/core'
import type { OwnCell } from '../cells/cell.js'
import type { Turn, TurnPlace } from '../cells/turn.js'
import { BenchFailure } from '../cli/failure.js'
import { connectTo, destinationOf } from '../ends/connect.js'
import { makePayload } from '../ends/payload.js'
import { latencyQuantiles, MAX_OPEN_LOOP_SENDS, MIN_OPEN_LOOP_SENDS, type OpenLoopSink, runOpenLoop } from '../loads/open-loop.js'
import { DriverOpenLoop } from '../loads/open-loop-driver.js'
import { WriterOpenLoop } from '../loads/open-loop-writer.js'
import { backendFor } from '../machine/backends.js'
import type { Row } from '../record/record.js'
import { type MeasuredCell, measuredOnWire } from '../wire/wire-meter.js'
import { type CellContext, thresholdFor } from './cell-runner.js'
import { measuredRow } from './measured-row.js'

/** Sends of a warm-up: the schedule's code and the path's are compiled by then. */
const WARMUP_SENDS = 2_000
const WARMUP_RATE_PER_SECOND = 20_000

/** A cell at a rate. */
export interface RatedCell extends OwnCell {
  ratePerSecond: number
}

/** @throws BenchFailure for a schedule that is too short for 99.9 %, or too long to be held */
export function checkSends(ratePerSecond: number, runtimeMs: number): void {
  const sends = sendsOf(ratePerSecond, runtimeMs)
  if (sends < MIN_OPEN_LOOP_SENDS)
    throw new BenchFailure(
      `--rates: ${ratePerSecond}/s for ${runtimeMs} ms are ${sends} sends; p99.9 takes ${MIN_OPEN_LOOP_SENDS}. Raise --runtime-ms.`,
    )
  if (sends > MAX_OPEN_LOOP_SENDS)
    throw new BenchFailure(
      `--rates: ${ratePerSecond}/s for ${runtimeMs} ms are ${sends} sends; at most ${MAX_OPEN_LOOP_SENDS} fit one row. Lower --runtime-ms.`,
    )
}

function sendsOf(ratePerSecond: number, runtimeMs: number): number {
  return Math.floor((ratePerSecond * runtimeMs) / 1_000)
}

/** Measures such a cell once, over a connection of its own. */
export function runLatency(cell: RatedCell, turn: Turn, context: CellContext): Promise<Row> {
  return runSends(cell, turn, sendsOf(cell.ratePerSecond, turn.runtimeMs), context)
}

/** Runs a schedule of its own before that. */
export function warmUpLatency(cell: RatedCell, turn: Turn, context: CellContext): Promise<Row> {
  return runSends({ ...cell, ratePerSecond: WARMUP_RATE_PER_SECOND }, turn, WARMUP_SENDS, context)
}

function runSends(cell: RatedCell, turn: TurnPlace, sends: number, context: CellContext): Promise<Row> {
  return measuredOnWire(context.wire, () => runSchedule(cell, turn, sends, context))
}

async function runSchedule(cell: RatedCell, turn: TurnPlace, sends: number, context: CellContext): Promise<MeasuredCell> {
  const destination = destinationOf(context, cell.transport)
  using socket = await connectTo(cell.transport, destination, context.settings, true)
  const { times, path } = await runOpenLoop((sink) => openPath(cell, socket.fd, sends, sink), sends, cell.ratePerSecond)
  try {
    const { intendedMs, begunMs, sentMs, releasedMs } = times
    // One gap more than between the first and the last, so that a path that keeps up reaches the rate that was asked for.
    const seconds = ((sentMs[sends - 1] as number) - (intendedMs[0] as number)) / 1_000 + 1 / cell.ratePerSecond
    const measured = { ...path.totals(), seconds, cpuUserUs: 0, cpuSystemUs: 0 }
    const row: Row = {
      ...measuredRow(cell, turn, measured),
      cpuUserUs: null,
      cpuSystemUs: null,
      latency: {
        ratePerSecond: cell.ratePerSecond,
        begun: latencyQuantiles(intendedMs, begunMs),
        sent: latencyQuantiles(intendedMs, sentMs),
        released: latencyQuantiles(intendedMs, releasedMs),
      },
    }
    return { row, sentBytes: path.totals().bytes }
  } finally {
    await path.close()
  }
}

async function openPath(cell: RatedCell, fd: number, sends: number, sink: OpenLoopSink): Promise<DriverOpenLoop | WriterOpenLoop> {
  const payload = makePayload(cell.sizeBytes)
  const backend = backendFor(cell.backend, cell.interval)
  if (cell.level === 'driver') return new DriverOpenLoop({ backend, fd, payload, sends, sink })
  return new WriterOpenLoop(await openWriter(fd, { backend, ...thresholdFor(cell.backend) }), payload, sink)
}
