import { describe, expect, it } from 'vitest'
import { findThroughput, type ThroughputCell, throughputArguments, throughputRow } from '../src/c-programs/zc-throughput.js'
import { readRecord } from '../src/record/record-file.js'
import { IdSource } from '../src/report/html.js'
import { recordSection } from '../src/report/record-section.js'
import { paperCells } from '../src/run/paper-cell.js'
import { paperTables } from '../src/tables/paper-table.js'
import { questionTables } from '../src/tables/question-table.js'
import { blame, inFolderOfItsOwn, run } from './bench-run.js'
import { row } from './rows.js'

const cell: ThroughputCell = { transport: 'udp6', backend: 'inline', level: 'selftest', interval: 32, sizeBytes: 65_000 }
const settings = { sendBufferBytes: 1, receiveBufferBytes: 1, congestionControl: 'cubic', systemCongestionControl: 'bbr' }
const PRINTED =
  'proto=udp6 mode=inline interval=32 capacity=32 bytes=65000 sends=100 MB=6.500 notifications=4 inline=3 trailing=1 ' +
  'syscalls=212 polls=101 empty=2 blocked=5 copied=0 elapsed_s=0.010000000 sender_cpu_s=0.004000000 sender_user_s=0.001000\n'

describe('the C sender of kernel/selftests', () => {
  it('is told the cell in its own options', () => {
    const words = throughputArguments(cell, 9, { runtimeMs: 200, processors: { sender: 0, receiver: 1 }, settings })
    expect(words.join(' ')).toBe('-6 -l 32 -s 65000 -t 0.2 -z inline -p 9 -C 0 -R 1 -A cubic udp')
  })

  it('is read from its last line, its polls apart', () => {
    expect(throughputRow(cell, 1, 2, PRINTED)).toMatchObject({
      ...{ backend: 'inline', level: 'selftest', round: 1, position: 2, sends: 100, bytes: 6_500_000, seconds: 0.01 },
      ...{ cpuUserUs: 1_000, cpuSystemUs: 3_000, notifications: 4, rangeWidthIds: 25, zerocopySends: 100, copiedSends: 0 },
      ...{ sendCalls: 105, collectCalls: 6, emptyCollectCalls: 2, callsPerSend: 1.11 },
    })
  })

  it('fails in one line when it prints something else', () => {
    expect(() => throughputRow(cell, 0, 0, 'bind: Address already in use')).toThrow('zc_throughput printed no sends: bind: Address')
  })
})

describe('bench paper', () => {
  inFolderOfItsOwn()

  it('has never collecting at the C level only', () => {
    const cells = paperCells({ transports: ['tcp4'], intervals: [1], levels: ['selftest', 'driver'], size: 65_000 }, [
      'errqueue-recvmsg',
      'inline',
    ])
    const of = (level: string): string[] => cells.filter((one) => one.level === level).map(({ backend }) => backend)
    expect(of('selftest')).toEqual(['errqueue-recvmsg', 'inline', 'never'])
    expect(of('driver')).toEqual(['errqueue-recvmsg', 'inline'])
  })

  it('prints the gain beside the published one, in time and in CPU time, and marks what is emulated', () => {
    const rows = [0, 1].flatMap((round) => [
      row({ transport: 'udp4', level: 'selftest', round }),
      row({ transport: 'udp4', level: 'selftest', round, backend: 'inline', seconds: 0.008, cpuSystemUs: 7_000, callsPerSend: 1 }),
      row({ transport: 'udp4', level: 'selftest', round, backend: 'never', cpuSystemUs: 5_000 }),
    ])
    const text = paperTables(rows, ' [EMULATED]').join('\n')
    expect(text).toMatch(/^C selftest .*, interval 1, 65000 bytes \[EMULATED\]$/mu)
    expect(text).toMatch(/^ {2}Gain +\+25\.0% \[\+25\.0, \+25\.0\]$/mu)
    expect(text).toMatch(/^ {2}Gain, sender's CPU +\+25\.0%/mu)
    expect(text).toMatch(/^ {2}Gain published +\+20\.88%$/mu)
    expect(text).toMatch(/^New ZC recovers of what collecting costs +50%$/mu)
    expect(text).toMatch(/^ {2}copied +100%$/mu)
  })

  it('puts the gains in CPU time over recvmsg in one table by interval, with the ceiling and what was published', () => {
    const rows = [0, 1].flatMap((round) =>
      [1, 32].flatMap((interval) => [
        row({ transport: 'udp4', level: 'selftest', round, interval }),
        row({
          transport: 'udp4',
          level: 'selftest',
          round,
          interval,
          backend: 'errqueue-recvmmsg',
          cpuSystemUs: interval === 1 ? 7_000 : 9_000,
        }),
        row({ transport: 'udp4', level: 'selftest', round, interval, backend: 'never', cpuSystemUs: 4_000 }),
      ]),
    )
    const lines = questionTables(rows)
    expect(lines[1]).toBe('UDPv4: gain in CPU time over recvmsg, %, by interval')
    expect(lines[4]).toMatch(/^C: recvmmsg +\+25\.0 \[25\.0, 25\.0\] +0$/u)
    expect(lines[5]).toMatch(/^C: never collected +\+100\.0 .* \+100\.0 /u)
    expect(lines[6]).toMatch(/^paper: inline +\+20\.9 +\+0\.3$/u)
    expect(questionTables(rows.filter(({ interval }) => interval === 1))).toEqual([])
  })

  it('measures all three levels here, and leaves a record that the report shows', async () => {
    await findThroughput()
    const outcome = await run([
      ...['paper', '--transports', 'tcp4,udp4', '--intervals', '1', '--backends', 'errqueue-recvmmsg', '--rounds', '2'],
      ...['--runtime-ms', '30', '--receiver-pause-us', '0', '--seed', '1', '--json', 'paper.json'],
    ])
    expect(outcome.status).toBe(0)
    for (const level of ['C selftest', 'driver level', 'writer level']) expect(outcome.stdout).toContain(level)
    const record = await readRecord('paper.json')
    expect(record.options).toMatchObject({ 'receiver-pause-us': 0 })
    // Two transports, two rounds; C: recvmsg, recvmmsg, never; two levels of ours: recvmsg, recvmmsg.
    expect(record.rows).toHaveLength(2 * 2 * (3 + 2 + 2))
    expect(record.rows.every(({ zerocopySends, copiedSends }) => (zerocopySends ?? 0) + (copiedSends ?? 0) > 0)).toBe(true)
    const never = record.rows.filter(({ backend }) => backend === 'never')
    const classic = record.rows.filter(({ backend, level }) => backend === 'errqueue-recvmsg' && level === 'selftest')
    expect(Math.max(...never.map(({ collectCalls }) => collectCalls ?? 0))).toBeLessThan(
      Math.min(...classic.map(({ collectCalls }) => collectCalls ?? 0)),
    )
    expect(recordSection(record, 'one', new IdSource()).markup).toContain('zc_throughput')
  })

  it('refuses a level that it does not have in one line', async () => {
    const outcome = await run(['paper', '--levels', 'peer'])
    expect(outcome.status).toBe(2)
    expect(blame(outcome)).toContain('known are selftest, driver, writer')
  })
})
