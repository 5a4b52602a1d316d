import { LEVELS, TRANSPORT_TITLES } from '../cells/cell.js'
import type { BenchRecord, Row } from '../record/record.js'
import { type PathProfile, profilesOf } from '../tables/profile-table.js'
import { SLIDES_PROFILES } from '../tables/published.js'
import { type Bar, barDomain, bars } from './bars.js'
import { figureHtml, type Html, html, type IdSource, type TableData, tabsHtml } from './html.js'
import { styleOf } from './senders.js'
import { copiedCell } from './tables.js'
import { grouped, sharePercent } from './wording.js'

/** Symbols of one picture. */
const DRAWN = 10

/** Symbols of one path in the table. */
const LISTED = 30

/** Characters of a symbol beside its bar, and the room that they take, in the picture's units. */
const LABEL = { characters: 24, width: 205 } as const

/** Where the CPU time of each path goes: a picture per path, a tab per level. */
export function profileView(record: BenchRecord, ids: IdSource): Html {
  const tabs = LEVELS.flatMap((level) => {
    const profiles = profilesOf(record.rows.filter((row) => row.level === level))
    return profiles.length === 0 ? [] : [{ title: `${level} level`, content: profileFigure(profiles, level, ids) }]
  })
  return tabs.length === 0 ? html`` : tabsHtml('Level', tabs, ids)
}

function profileFigure(profiles: readonly PathProfile[], level: string, ids: IdSource): Html {
  const drawn = profiles.map((profile) => ({ profile, bars: symbolBars(profile) }))
  const domain = barDomain(drawn.flatMap((one) => one.bars))
  return figureHtml(
    {
      title: `Where the CPU time goes, ${level} level`,
      sentences: drawn.map(({ profile }) => profileSentence(profile)),
      pictures: drawn.map(({ profile, bars: own }) => ({
        heading: titleOf(profile),
        remark: `copied: ${copiedCell(profile.rows)}`,
        svg: bars(
          own,
          domain,
          '% of the samples',
          `The ${own.length} functions with most samples: ${titleOf(profile)}, ${level} level`,
          LABEL.width,
        ),
      })),
      reading:
        'Samples of the sending process, all rounds together; on loopback the kernel’s part includes most of the reception. Functions of user mode stand with their file.',
      table: symbolTable(profiles, level),
      publishedTable: {
        caption: 'Published in the slides: perf record of netperf TCP_STREAM over a network, without (std) and with (zc) MSG_ZEROCOPY',
        header: ['path', 'symbol', 'share, %'],
        textColumns: 2,
        rows: SLIDES_PROFILES.flatMap(({ path, symbols }) => symbols.map(([name, share]) => [path, name, share.toFixed(2)])),
      },
    },
    ids,
  )
}

function titleOf({ rows }: PathProfile): string {
  const { transport, backend } = rows[0] as Row
  return `${TRANSPORT_TITLES[transport]}, ${styleOf(backend).label}`
}

function symbolBars({ rows, symbols }: PathProfile): Bar[] {
  const { colour } = styleOf((rows[0] as Row).backend)
  return symbols.slice(0, DRAWN).map(({ name, where, share }) => {
    const percent = share * 100
    const label = where === 'kernel' ? name : `${name} (${where})`
    const clipped = label.length <= LABEL.characters ? label : `${label.slice(0, LABEL.characters - 1)}…`
    return { label: clipped, colour, value: `${percent.toFixed(1)} %`, estimate: { median: percent, low: percent, high: percent } }
  })
}

function profileSentence(profile: PathProfile): string {
  const { samples, symbols, kernelShare } = profile
  const [first] = symbols
  const most = first === undefined ? '' : `; most of all ${first.name}, ${sharePercent(first.share)}`
  return `${titleOf(profile)}: ${sharePercent(kernelShare)} of ${grouped(String(samples))} samples in the kernel${most}.`
}

function symbolTable(profiles: readonly PathProfile[], level: string): TableData {
  return {
    caption: `The ${LISTED} functions with most samples, ${level} level`,
    header: ['path', 'function', 'in', 'samples', 'share, %', 'copied'],
    textColumns: 3,
    rows: profiles.flatMap((profile) =>
      profile.symbols
        .slice(0, LISTED)
        .map(({ name, where, samples, share }) => [
          titleOf(profile),
          name,
          where,
          String(samples),
          (share * 100).toFixed(2),
          copiedCell(profile.rows),
        ]),
    ),
  }
}
