import { describe, expect, it } from 'vitest'
import type { Row } from '../../src/record/record.js'
import { peerSentences } from '../../src/report/peers-view.js'
import { banners } from '../../src/report/record-section.js'
import {
  callSentences,
  copiedRemark,
  cpuSentences,
  gainSentences,
  throughputSentences,
  widthSentences,
} from '../../src/report/sentences.js'
import { grouped, listed, sharePercent, shortNumber, signedPercent, sizeText, tickText } from '../../src/report/wording.js'
import { row } from '../rows.js'
import { syntheticMachineModel, syntheticPeers, syntheticRecord, syntheticSweep } from './synthetic-records.js'

const DRIFTS = [1, 0.8, 1.2, 0.9, 1.1]

/** Five rounds in which the machine drifts, and a path moves `rate` MB/s or so; `wobble` differs from round to round. */
function rounds(backend: Row['backend'], rate: number, over: Partial<Row> = {}, wobble: readonly number[] = [1, 1, 1, 1, 1]): Row[] {
  return DRIFTS.map((drift, round) =>
    row({ backend, round, seconds: 1, bytes: Math.round(rate * drift * 1e6 * (wobble[round] ?? 1)), ...over }),
  )
}

/** On both sides of 1, with a median off it: only the interval shows that there is no difference. */
const UNSURE = [1.03, 0.97, 1.02, 0.98, 1.01]

describe('throughput in words', () => {
  it('says how much more the best path sends at the smallest interval, and that there is no difference later', () => {
    const rows = [
      ...rounds('errqueue-recvmsg', 1_000),
      ...rounds('errqueue-recvmmsg', 1_050),
      ...rounds('uring', 1_120, {}, [1, 1.01, 0.99, 1, 1]),
      ...rounds('errqueue-recvmsg', 1_100, { interval: 32 }),
      ...rounds('uring', 1_100, { interval: 32 }, UNSURE),
    ]
    expect(throughputSentences(rows)).toEqual([
      'On TCPv4 at interval 1, uring sends 1.12 times (95 % interval 1.11–1.13) what errqueue does; at 32 there is no difference.',
    ])
  })

  it('takes the last interval where 32 was not measured, and says when a path falls behind', () => {
    const rows = [1, 16].flatMap((interval) => [
      ...rounds('errqueue-recvmsg', 1_000, { interval, transport: 'udp6' }),
      ...rounds('uring', 900, { interval, transport: 'udp6' }),
    ])
    expect(throughputSentences(rows)).toEqual([
      'On UDPv6 at interval 1, uring sends 0.90 times (95 % interval 0.90–0.90) what errqueue does; at 16 it is 0.90 times (95 % interval 0.90–0.90).',
    ])
  })

  it('prefers no difference to a loss, and never calls a straddling interval a gain', () => {
    const rows = [...rounds('errqueue-recvmsg', 1_000), ...rounds('errqueue-recvmmsg', 900), ...rounds('uring', 1_000, {}, UNSURE)]
    expect(throughputSentences(rows)[0]).toMatch(
      /^On TCPv4 at interval 1, no path is ahead of errqueue; uring shows no difference \(95 % interval 0\.9\d–1\.0\d times\)\.$/u,
    )
  })

  it('says how plain copying stands', () => {
    const rows = (['tcp4', 'udp4'] as const).flatMap((transport) => [
      ...rounds('errqueue-recvmsg', 1_000, { transport }),
      ...rounds('copy', transport === 'tcp4' ? 1_400 : 700, { transport }),
    ])
    expect(throughputSentences(rows)).toEqual([
      'Plain copying at interval 1 sends more than errqueue on TCPv4 (1.40 times) and sends less on UDPv4 (0.70 times).',
    ])
  })

  it('says that there is no baseline', () => {
    expect(throughputSentences(rounds('uring', 1_000))).toEqual(['errqueue, the baseline, was not measured: there is no ratio to state.'])
  })
})

describe('the paper’s gains in words', () => {
  it('puts the measured gain of inline beside the published one', () => {
    const rows = [...rounds('errqueue-recvmsg', 1_000), ...rounds('inline', 1_052)]
    expect(gainSentences(rows, 1, undefined)).toEqual([
      'On TCPv4 at interval 1, inline gains 5.2 % (95 % interval 5.2 to 5.2) over errqueue; the paper published +17.4 % for inline.',
    ])
  })

  it('says why inline is missing, and what the best other path does', () => {
    const rows = [...rounds('errqueue-recvmsg', 1_000, { interval: 32 }), ...rounds('uring', 1_000, { interval: 32 }, UNSURE)]
    const [first, last] = gainSentences(rows, 32, 'the kernel lacks SCM_ZC_NOTIFICATION.')
    expect(first).toMatch(
      /^On TCPv4 at interval 32, uring shows no difference to errqueue \(−.* % to \+.* %\); the paper published \+6\.0 % for inline\.$/u,
    )
    expect(last).toBe('inline was not measured here: the kernel lacks SCM_ZC_NOTIFICATION.')
  })

  it('states a loss as one', () => {
    const rows = [...rounds('errqueue-recvmsg', 1_000), ...rounds('inline', 900)]
    expect(gainSentences(rows, 1, undefined)[0]).toContain('inline loses 10.0 % (95 % interval 10.0 to 10.0) against errqueue')
  })
})

describe('costs in words', () => {
  it('names the path with the least CPU time per byte', () => {
    const rows = [...rounds('errqueue-recvmsg', 1_000), ...rounds('uring', 1_000, { cpuSystemUs: 4_000 })]
    expect(cpuSentences(rows)).toEqual([
      'On TCPv4 at interval 1, uring needs the least CPU time: 5.00 ns per 1,000 bytes, 0.50 times (95 % interval 0.50–0.50) what errqueue needs.',
    ])
  })

  it('lists system calls per send at both ends and ids per notification', () => {
    const rows = [...rounds('errqueue-recvmsg', 1_000), ...rounds('uring', 1_000, { interval: 8, callsPerSend: 0.125, rangeWidthIds: 8 })]
    expect(callSentences(rows)).toEqual([
      'At interval 1, system calls per send (median over the transports): errqueue 2.50.',
      'At interval 8, system calls per send (median over the transports): uring 0.13.',
    ])
    expect(widthSentences(rows)).toEqual(['On TCPv4 at interval 8, ids per notification: uring 8.0.'])
  })

  it('compares ours with the sender that uses the same mechanism', () => {
    const sentences = peerSentences(syntheticPeers().rows)
    expect(sentences).toHaveLength(4)
    expect(sentences[1]).toMatch(
      /^errqueue at the writer level, in sends per second of c-msg_zerocopy \(95 % interval\): TCPv4 0\.9\d times \(0\.9\d–0\.9\d\)/u,
    )
  })
})

describe('what a reader must know first', () => {
  it('says that everything was copied, and why', () => {
    expect(banners(syntheticSweep({ rounds: 1, intervals: [1] }))[0]).toMatch(
      /^Everything was copied: .* as loopback always does on a stock kernel\./u,
    )
  })

  it('gives the share where some was copied, and nothing where none was', () => {
    expect(banners(syntheticSweep({ rounds: 1, intervals: [1], copiedShare: 0.25 }))[0]).toMatch(/^The kernel copied 25\.\d % /u)
    expect(banners(syntheticSweep({ rounds: 1, intervals: [1], copiedShare: 0 }))).toEqual([])
    expect(copiedRemark([row({ copiedSends: 0, zerocopySends: 5 })])).toBe('really zero-copy: 0 % copied')
  })

  it('tells of a virtual machine, an interrupted run, and what the run warned of', () => {
    const notes = ['A note.', 'WARNING: the hypervisor took 10.0 % of the CPU time.']
    expect(banners(syntheticRecord('sweep', [], { complete: false, notes }))).toEqual([
      'The run was interrupted: these are the rows that it had.',
      'The hypervisor took 10.0 % of the CPU time.',
    ])
    expect(banners(syntheticMachineModel('instructions')).join()).toContain('machine model “instructions”')
  })
})

describe('numbers in words', () => {
  it('keeps the digits that a reader can use', () => {
    expect([0.1234, 12.34, 1234.5, -1234].map(shortNumber)).toEqual(['0.12', '12.3', '1,235', '−1,234'])
    expect([1, 0.5, 64, 2.5, -5].map(tickText)).toEqual(['1', '0.5', '64', '2.5', '−5'])
    expect(grouped('1234567.25')).toBe('1,234,567.25')
    expect([12.34, -3, -0.01].map(signedPercent)).toEqual(['+12.3 %', '−3.0 %', '+0.0 %'])
    expect([0, 1, 0.00001, 0.99999].map(sharePercent)).toEqual(['0 %', '100 %', '0.1 %', '99.9 %'])
    expect([4_096, 1_048_576, 65_000].map(sizeText)).toEqual(['4K', '1M', '65,000'])
    expect([[], ['a'], ['a', 'b', 'c']].map(listed)).toEqual(['', 'a', 'a, b and c'])
  })
})
