import { cpuShareOf, LIMITING_SHARE } from './wire-meter.js'
import type { WireStats } from './wire-peer.js'

/** The packets that left while the command ran. */
export function summaryLines(before: WireStats, after: WireStats, isClient: boolean): string[] {
  const seconds = (after.atUs - before.atUs) / 1_000_000
  const cpuShare = cpuShareOf(before, after)
  const { peer } = after
  const resent = peer.resentBytes - before.peer.resentBytes
  const dropped = after.tcp.dropped - before.tcp.dropped
  const opened = peer.opened - before.peer.opened
  const limited = cpuShare >= LIMITING_SHARE || dropped > 0
  return [
    ...protocolLines(
      'tcp',
      before,
      after,
      `; sent again ${resent} bytes, connections ${opened}, acknowledgements ${peer.acks - before.peer.acks}`,
    ),
    ...protocolLines('udp', before, after, ''),
    ...(isClient ? [clientLine(after.client, seconds)] : []),
    `The other end took ${(cpuShare * 100).toFixed(0)} % of its CPU; the ring dropped ${dropped} packets${limited ? ': it limited the throughput' : ''}.`,
  ]
}

function protocolLines(name: 'tcp' | 'udp', before: WireStats, after: WireStats, extra: string): string[] {
  const [was, is] = [before[name], after[name]]
  const packets = is.packets - was.packets
  if (packets === 0) return []
  const bytes = is.payloadBytes - was.payloadBytes
  const rate = (bytes / (after.atUs - before.atUs)).toFixed(0)
  return [`${name}: ${bytes} bytes in ${is.segments - was.segments} segments (${packets} packets), ${rate} MB/s${extra}`]
}

function clientLine({ connected, failed, responses, late, p50Us, p99Us }: WireStats['client'], seconds: number): string {
  const rate = `${responses} responses, ${(responses / seconds).toFixed(0)}/s, p50 ${p50Us} µs, p99 ${p99Us} µs`
  return `client: ${connected} connections (${failed} ended from outside), ${rate}${late === 0 ? '' : `, ${late} requests found every connection busy`}`
}
