import { setTimeout as delay, setImmediate as nextLoopTurn } from 'node:timers/promises'
import { openWriter } from '@sendzc/core'
import type { OpenSocket } from '@sendzc/socket'
import { type BackendLabel, isStream, type Transport } from '../cells/cell.js'
import { BenchFailure, ExitStatus } from '../cli/failure.js'
import { Interrupt } from '../cli/interrupt.js'
import { Progress } from '../cli/progress.js'
import { connectTo, destinationOf } from '../ends/connect.js'
import { WriterLoad } from '../loads/writer-load.js'
import { backendFor } from '../machine/backends.js'
import { thresholdFor } from './cell-runner.js'
import type { Ends } from './ends.js'
import type { Stage } from './stage.js'

/** Time between two samples of the resident memory, in ms. */
export const SAMPLE_MS = 1_000

/** Least length of a soak, in samples: a quarter of them must be more than a handful. */
const LEAST_SAMPLES = 20

/** Writes between two looks at whether the soak is over. */
const WRITES_PER_LOOK = 64

/** Sends of one burst, and between two collections of notifications. */
const INTERVAL = 8

/** One writer of the soak. */
export interface Sender {
  transport: Transport
  backend: BackendLabel
  socket: OpenSocket
  load: WriterLoad
}

/** Opens a writer for each transport and path, sends on all of them through the stalls, and closes them. */
export async function soakRun(
  { backends, settings }: Stage,
  ends: Ends,
  { sizeBytes, lengthMs, stallMs }: { sizeBytes: number; lengthMs: number; stallMs: number },
): Promise<{ samples: number[]; senders: Sender[] }> {
  const senders: Sender[] = []
  const run = async () => {
    try {
      for (const transport of ends.transports) {
        for (const backend of backends) {
          const socket = await connectTo(transport, destinationOf(ends, transport), settings, true)
          const writer = await openWriter(socket.fd, { backend: backendFor(backend, INTERVAL), ...thresholdFor(backend) })
          senders.push({ transport, backend, socket, load: new WriterLoad({ writer, interval: INTERVAL, sizeBytes }) })
        }
      }
      const samples = await sendThroughStalls(senders, ends, lengthMs, stallMs)
      return { samples, senders }
    } finally {
      for (const { socket } of senders) socket.close()
    }
  }
  if (ends.wire === undefined) return run()
  const { result } = await ends.wire.watch(async () => ({ result: await run(), sent: sentBytes(senders) }))
  return result
}

function sentBytes(senders: readonly Sender[]): { tcp?: number; udp?: number } {
  const sum = (streams: boolean): number =>
    senders.reduce((total, { transport, load }) => total + (isStream(transport) === streams ? load.totals().bytes : 0), 0)
  return { tcp: sum(true), udp: sum(false) }
}

/** The other ends stall, or go on. */
async function stall(ends: Ends, stalled: boolean): Promise<void> {
  if (stalled) ends.wire?.pause()
  else ends.wire?.resume()
  await Promise.all(
    ends.transports.map((transport) => (stalled ? ends.processOf(transport)?.pause() : ends.processOf(transport)?.resume())),
  )
}

/** Sends on all writers while the peers stall and resume, and samples the resident memory. */
async function sendThroughStalls(senders: readonly Sender[], ends: Ends, lengthMs: number, stallMs: number): Promise<number[]> {
  using interrupt = new Interrupt()
  const progress = new Progress(lengthMs)
  const endMs = performance.now() + lengthMs
  const over = (): boolean => performance.now() >= endMs || interrupt.requested
  const samples: number[] = []
  const sending = Promise.all(
    senders.map(async ({ load }) => {
      while (!over()) {
        await load.run(WRITES_PER_LOOK)
        // A writer that never waits would starve the others of the event loop.
        await nextLoopTurn()
      }
      await load.drain()
      await load.close()
    }),
  )
  const stalling = async (): Promise<void> => {
    while (!over()) {
      await stall(ends, true)
      await delay(stallMs)
      await stall(ends, false)
      await delay(stallMs)
    }
  }
  const sampling = async (): Promise<void> => {
    while (!over()) {
      await delay(SAMPLE_MS)
      samples.push(process.memoryUsage.rss())
      progress.advance(SAMPLE_MS, `resident memory ${megabytes(samples.at(-1) ?? 0)} MB`)
    }
  }
  await Promise.all([sending, stalling(), sampling()])
  progress.finish()
  if (samples.length < LEAST_SAMPLES)
    throw new BenchFailure(`Interrupted after ${samples.length} s: too short to say anything.`, ExitStatus.Interrupted)
  return samples
}

/** In 10^6 bytes. */
export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(1)
}
