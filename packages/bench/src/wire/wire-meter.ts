import { setTimeout as delay } from 'node:timers/promises'
import { isStream } from '../cells/cell.js'
import { BenchFailure, ExitStatus } from '../cli/failure.js'
import type { Row, WireRow } from '../record/record.js'
import type { WirePeer, WireStats } from './wire-peer.js'

/** How long bytes that were sent may take to leave after a cell, in ms: a closed stream goes on sending its queue. */
const SETTLE_TIMEOUT_MS = 5_000
const SETTLE_PAUSE_MS = 2

/** Share of its CPU above which the peer may be what limits the throughput. */
export const LIMITING_SHARE = 0.9

/** A measurement that may be one on a wire. */
export interface MeasuredCell {
  row: Row
  /** Bytes that the sender handed to the kernel since its connections were opened; null where it does not count them. */
  sentBytes: number | null
}

/** Runs a measurement. On a wire it compares the row with the bytes that left. */
export async function measuredOnWire(wire: WireMeter | undefined, measureCell: () => Promise<MeasuredCell>): Promise<Row> {
  return wire === undefined ? (await measureCell()).row : wire.measured(measureCell)
}

/** Protocols that the classifier distinguishes. */
type Protocol = 'tcp' | 'udp'

/** Bytes that were handed to the kernel since the connections were opened, by protocol; null where the senders do not count them. */
export type SentBytes = Partial<Record<Protocol, number | null>>

/** Compares the bytes that senders report with those that the classifier saw leave. */
export class WireMeter {
  readonly #peer: WirePeer

  constructor(peer: WirePeer) {
    this.#peer = peer
  }

  /**
   * Measures a cell, its connections opened and closed within.
   * @returns its row, with what the wire saw
   * @throws BenchFailure when the bytes that left are not those that were sent; what `measure` throws
   */
  async measured(measure: () => Promise<MeasuredCell>): Promise<Row> {
    const { result: row, seen } = await this.watch(async () => {
      const { row: result, sentBytes } = await measure()
      return { result, sent: { [protocolOf(result)]: sentBytes } }
    })
    const wire = seen[protocolOf(row)]
    if (wire === undefined) throw new TypeError('The wire has seen nothing of this row.')
    return { ...row, wire }
  }

  /**
   * Watches what leaves while something sends, its connections opened and closed within.
   * @returns its result, and what the wire saw of each protocol that it names
   * @throws as {@link measured}
   */
  async watch<T>(send: () => Promise<{ result: T; sent: SentBytes }>): Promise<{ result: T; seen: Partial<Record<Protocol, WireRow>> }> {
    const before = await this.#peer.stats()
    const { result, sent } = await send()
    const after = await this.#settled(before, sent)
    const seen: Partial<Record<Protocol, WireRow>> = {}
    for (const [protocol, sentBytes] of Object.entries(sent) as [Protocol, number | null][]) {
      const wire = wireRow(before, after, protocol, sentBytes)
      if (sentBytes !== null && wire.newBytes !== sentBytes)
        throw new BenchFailure(`${sentBytes} bytes were sent, and the classifier saw ${wire.newBytes} leave`, ExitStatus.Failed)
      seen[protocol] = wire
    }
    return { result, seen }
  }

  /** Lets the peer answer nothing until {@link resume}: what is sent meanwhile is neither acknowledged nor counted in time. */
  pause(): void {
    this.#peer.pause()
  }

  /** Ends a {@link pause}. */
  resume(): void {
    this.#peer.resume()
  }

  async #settled(before: WireStats, sent: SentBytes): Promise<WireStats> {
    const deadline = performance.now() + SETTLE_TIMEOUT_MS
    for (;;) {
      const after = await this.#peer.stats()
      const whole = (Object.entries(sent) as [Protocol, number | null][]).every(([protocol, sentBytes]) => {
        const left = newBytes(after, protocol) - newBytes(before, protocol)
        return sentBytes === null ? after.peer.events === before.peer.events || left > 0 : left >= sentBytes
      })
      if (whole || performance.now() > deadline) return after
      await delay(SETTLE_PAUSE_MS)
    }
  }
}

/** The peer's own CPU time, without its empty looks, per time. Both clocks are read for themselves, so that an idle peer could show less than none. */
export function cpuShareOf(before: WireStats, after: WireStats): number {
  return Math.max(0, after.cpuUs - before.cpuUs) / Math.max(1, after.atUs - before.atUs)
}

function protocolOf({ transport }: Pick<Row, 'transport'>): Protocol {
  return isStream(transport) ? 'tcp' : 'udp'
}

/** Payload that left for the first time. A datagram is never sent again. */
function newBytes(stats: WireStats, protocol: Protocol): number {
  return protocol === 'tcp' ? stats.peer.newBytes : stats.udp.payloadBytes
}

function wireRow(before: WireStats, after: WireStats, protocol: Protocol, sentBytes: number | null): WireRow {
  const [was, is] = [before[protocol], after[protocol]]
  return {
    sentBytes,
    newBytes: newBytes(after, protocol) - newBytes(before, protocol),
    bytes: is.payloadBytes - was.payloadBytes,
    packets: is.packets - was.packets,
    segments: is.segments - was.segments,
    acks: after.peer.acks - before.peer.acks,
    lostSegments: after.peer.lostSegments - before.peer.lostSegments,
    ringDrops: is.dropped - was.dropped,
    peerCpuShare: Math.round(cpuShareOf(before, after) * 1_000) / 1_000,
  }
}

/** Sentences about rows of a wire that were not as they have to be. */
export function wireNotes(rows: readonly Row[]): string[] {
  const told = rows.flatMap(({ wire }) => (wire === undefined ? [] : [wire]))
  if (told.length === 0) return []
  const shares = told.map(({ peerCpuShare }) => peerCpuShare).sort((a, b) => a - b)
  const most = shares.at(-1) ?? 0
  const busy = shares.filter((share) => share >= LIMITING_SHARE).length
  const drops = told.reduce((sum, { ringDrops }) => sum + ringDrops, 0)
  const asked = rows.filter((row) => asks(row) && (row.zerocopySends ?? 0) + (row.copiedSends ?? 0) > 0)
  const copied = asked.reduce((sum, { copiedSends }) => sum + (copiedSends ?? 0), 0)
  const sends = asked.reduce((sum, { zerocopySends, copiedSends }) => sum + (zerocopySends ?? 0) + (copiedSends ?? 0), 0)
  const checked = told.filter(({ sentBytes }) => sentBytes !== null).length
  return [
    [
      `Wire: in ${checked} of ${told.length} rows the classifier counted the bytes that the sender counts (the others' senders do not tell).`,
      `The peer took ${percent(most)} of its CPU at most; the ring dropped ${drops} packets.`,
    ].join(' '),
    ...(sends === 0 ? [] : [`Wire: ${copied} of ${sends} messages that asked for zero-copy were reported as copied.`]),
    ...(drops > 0 ? [`WARNING: the ring dropped ${drops} packets, which their senders had to send again.`] : []),
    ...(busy > 0
      ? [
          [
            `WARNING: in ${busy} of ${told.length} rows the peer took ${percent(LIMITING_SHARE)} of its CPU or more:`,
            'it limited the throughput there, not the CPU time of a byte.',
          ].join(' '),
        ]
      : []),
  ]
}

/** Whether every message of a row asked for zero-copy: Node's own sockets never do, and `auto` decides. */
function asks({ backend }: Row): boolean {
  return backend !== 'copy' && backend !== 'auto' && backend !== 'net.Socket.write' && backend !== 'dgram.send'
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`
}
