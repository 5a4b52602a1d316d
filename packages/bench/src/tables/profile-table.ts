import { BACKENDS, LEVELS, TRANSPORT_TITLES, TRANSPORTS } from '../cells/cell.js'
import { OTHERS } from '../machine/profiler.js'
import type { Row } from '../record/record.js'
import { SLIDES_PROFILES } from './published.js'
import { copiedText, rateText } from './sweep-table.js'
import { textTable } from './text-table.js'

/** Characters of a symbol in a table; C++ names are longer than a line. */
const MAX_NAME = 56

/** Where the samples of one path fell, over its rounds. */
export interface PathProfile {
  rows: Row[]
  samples: number
  /** Most first, without the sum of the rare ones. */
  symbols: { name: string; where: string; samples: number; share: number }[]
  /** Share of the samples that fell into the kernel. */
  kernelShare: number
}

/** Adds up the rounds of one path. */
export function pathProfile(rows: readonly Row[]): PathProfile {
  const counts = new Map<string, { name: string; where: string; samples: number }>()
  const samples = rows.reduce((sum, row) => sum + (row.samples ?? 0), 0)
  for (const { name, where, samples: own } of rows.flatMap((row) => row.symbols ?? [])) {
    const key = `${where} ${name}`
    const known = counts.get(key)
    if (known === undefined) counts.set(key, { name, where, samples: own })
    else known.samples += own
  }
  const all = [...counts.values()]
    .sort((a, b) => b.samples - a.samples || a.name.localeCompare(b.name))
    .map((one) => ({ ...one, share: samples === 0 ? 0 : one.samples / samples }))
  const kernelShare = all.filter(({ where }) => where === 'kernel').reduce((sum, { share }) => sum + share, 0)
  return { rows: [...rows], samples, symbols: all.filter(({ name }) => name !== OTHERS), kernelShare }
}

/** The profiles of a record, in the order of a reader. */
export function profilesOf(rows: readonly Row[]): PathProfile[] {
  return TRANSPORTS.flatMap((transport) =>
    LEVELS.flatMap((level) =>
      BACKENDS.flatMap((backend) => {
        const own = rows.filter((row) => row.transport === transport && row.level === level && row.backend === backend)
        return own.length === 0 ? [] : [pathProfile(own)]
      }),
    ),
  )
}

/** A table per path: its first symbols, and below them those of the slides. */
export function profileTables(rows: readonly Row[], top: number): string[] {
  const lines = profilesOf(rows).flatMap(({ rows: own, samples, symbols, kernelShare }) => {
    const { transport, backend, level, sizeBytes, interval } = own[0] as Row
    const title = `${TRANSPORT_TITLES[transport]}, ${backend}, ${level} level, ${sizeBytes} bytes, interval ${interval}`
    const facts = `${samples} samples, ${percent(kernelShare)} in the kernel; ${rateText(own)} MB/s while sampled; copied ${copiedText(own)}`
    const body = symbols
      .slice(0, top)
      .map(({ name, where, samples: count, share }) => [percent(share), String(count), clipped(name), where])
    return ['', `${title}: ${facts}`, ...textTable(['share', 'samples', 'symbol', 'in'], body, ['right', 'right', 'left', 'left'])]
  })
  const published = SLIDES_PROFILES.flatMap(({ path, symbols }) => symbols.map(([name, share]) => [path, `${share.toFixed(2)}%`, name]))
  return [
    ...lines,
    '',
    'Slides: perf record of netperf TCP_STREAM over a network, without and with MSG_ZEROCOPY',
    ...textTable(['path', 'share', 'symbol'], published, ['left', 'right', 'left']),
  ]
}

function clipped(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME - 1)}…`
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)}%`
}
