import { readFileSync } from 'node:fs'
import { cellKey, groupKey } from '../cells/cell.js'
import { quantile } from '../numbers/statistics.js'
import type { Conditions, Row } from '../record/record.js'

/** Difference in the share of the time that two compared cells had to themselves, above which the record warns. */
const SHARE_MOVED = 0.05

/** Distance of the 5 % and the 95 % quantile of the frequency, as a share of its median, above which the record warns. */
const FREQUENCY_MOVED = 0.05

interface Reading {
  atNs: bigint
  totalTicks: number
  stealTicks: number
  waitedNs: number
}

/** Notes the state of the machine for each row: time that the hypervisor took, time that other work took, and the frequency. */
export class ConditionsMeter {
  readonly #cpu: number
  #before: Reading = reading()

  /** @param cpu - of the sender; null = not pinned */
  constructor(cpu: number | null) {
    this.#cpu = cpu ?? 0
  }

  /** To be called just before a measurement. */
  start(): void {
    this.#before = reading()
  }

  /** To be called just after it. */
  stop(): Conditions {
    const now = reading()
    const ticks = now.totalTicks - this.#before.totalTicks
    const elapsedNs = Number(now.atNs - this.#before.atNs)
    return {
      stolenShare: shareOf(now.stealTicks - this.#before.stealTicks, ticks),
      waitedShare: shareOf(now.waitedNs - this.#before.waitedNs, elapsedNs),
      frequencyMhz: frequencyMhz(this.#cpu),
    }
  }
}

function shareOf(part: number, whole: number): number | null {
  return Number.isFinite(part) && whole > 0 ? Math.min(1, Math.max(0, part / whole)) : null
}

function reading(): Reading {
  const stat = textOf('/proc/stat')?.split('\n', 1)[0]
  const ticks = (stat ?? '').trim().split(/\s+/u).slice(1, 9).map(Number)
  // Documentation/scheduler/sched-stats.rst: time on a CPU, time waiting for one, both in ns, and how often.
  const waited = textOf('/proc/thread-self/schedstat')?.split(' ')[1]
  return {
    atNs: process.hrtime.bigint(),
    totalTicks: ticks.reduce((sum, value) => sum + value, 0),
    stealTicks: ticks[7] ?? Number.NaN,
    waitedNs: waited === undefined ? Number.NaN : Number(waited),
  }
}

/** From cpufreq where there is a governor, otherwise from /proc/cpuinfo. */
function frequencyMhz(cpu: number): number | null {
  const khz = Number(textOf(`/sys/devices/system/cpu/cpu${cpu}/cpufreq/scaling_cur_freq`))
  if (khz > 0) return khz / 1_000
  const found = [...(textOf('/proc/cpuinfo') ?? '').matchAll(/^cpu MHz\s*:\s*([\d.]+)/gmu)][cpu]
  return found === undefined ? null : Number(found[1])
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/**
 * Sentences about conditions that moved between compared rows, and could explain a result by themselves.
 * @param rows - of one run
 */
export function conditionNotes(rows: readonly Row[]): string[] {
  return [...frequencyNote(rows), ...shareNote(rows)]
}

function frequencyNote(rows: readonly Row[]): string[] {
  const found = rows.flatMap(({ conditions }) => conditions?.frequencyMhz ?? []).sort((a, b) => a - b)
  const [low, middle, high] = [0.05, 0.5, 0.95].map((share) => quantile(found, share)) as [number, number, number]
  if (!((high - low) / middle > FREQUENCY_MOVED)) return []
  const moved = (((high - low) / middle) * 100).toFixed(0)
  return [
    [
      `WARNING: the CPU's frequency lay between ${low.toFixed(0)} and ${high.toFixed(0)} MHz`,
      `(from the 5 % to the 95 % quantile of the rows): differences of ${moved} % may be its doing.`,
    ].join(' '),
  ]
}

/** How much of its time each cell had to itself, over its rounds; the two of one comparison that differ most. */
function shareNote(rows: readonly Row[]): string[] {
  const groups = new Map<string, Map<string, number[]>>()
  for (const row of rows) {
    const lost = (row.conditions?.stolenShare ?? 0) + (row.conditions?.waitedShare ?? 0)
    const group = groups.get(comparisonKey(row)) ?? new Map<string, number[]>()
    groups.set(comparisonKey(row), group)
    const cell = cellKey(row)
    group.set(cell, [...(group.get(cell) ?? []), 1 - lost])
  }
  const apart = [...groups.values()].flatMap((cells) => {
    const shares = [...cells].map(([cell, own]) => ({ cell, share: own.reduce((sum, one) => sum + one, 0) / own.length }))
    shares.sort((a, b) => a.share - b.share)
    const [least, most] = [shares[0], shares[shares.length - 1]]
    return least === undefined || most === undefined || most.share - least.share <= SHARE_MOVED * most.share ? [] : [{ least, most }]
  })
  const [worst] = apart.sort((a, b) => a.least.share / a.most.share - b.least.share / b.most.share)
  if (worst === undefined) return []
  const { least, most } = worst
  return [
    [
      `WARNING: other work or the hypervisor took ${percent(1 - least.share)} of the time of "${least.cell}"`,
      `and ${percent(1 - most.share)} of that of "${most.cell}", which it is compared with:`,
      `that alone can make ${percent(1 - least.share / most.share)}. So it stands in ${apart.length} of ${groups.size} comparisons.`,
    ].join(' '),
  ]
}

/** Rows with the same text are compared with each other. */
function comparisonKey(row: Row): string {
  return `${groupKey(row)} ${row.level} ${row.rpc?.workload ?? row.latency?.ratePerSecond ?? ''}`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`
}
