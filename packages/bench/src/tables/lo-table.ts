import { type AnyTransport, BACKENDS, OTHER_TRANSPORTS, TRANSPORT_TITLES, TRANSPORTS } from '../cells/cell.js'
import { median } from '../numbers/statistics.js'
import type { Row } from '../record/record.js'
import { SLIDES_LO } from './published.js'
import { copiedText, gainText, ratioOf } from './sweep-table.js'
import { textTable } from './text-table.js'

/** The flags of the slides' program, snd_zerocopy_lo, and of the kernel's selftest after it. */
const FLAGS: Partial<Record<AnyTransport, string>> = {
  tcp4: '-t',
  tcp6: '-6 -t',
  udp4: '-u',
  udp6: '-6 -u',
  raw4: '-r',
  'raw-hdrincl4': '-R',
  packet: '-p',
}

/** A line of the table that this kernel does not have, with the note that says why. */
export interface LeftOut {
  transport: AnyTransport
  /** undefined = with any path. */
  backend: Row['backend'] | undefined
  why: string
}

/**
 * The slides' lines: rx, tx and txc, each a number of sends in one round and its megabytes.
 * @returns lines of one table; of one per interval where there are several
 */
export function loTable(rows: readonly Row[], leftOut: readonly LeftOut[]): string[] {
  const intervals = [...new Set(rows.map((row) => row.interval))].sort((a, b) => a - b)
  if (intervals.length < 2) return intervalTable(rows, leftOut)
  return intervals.flatMap((interval) => {
    const own = rows.filter((row) => row.interval === interval)
    return ['', `Interval ${interval}`, ...intervalTable(own, leftOut)]
  })
}

function intervalTable(rows: readonly Row[], leftOut: readonly LeftOut[]): string[] {
  const transports = [...TRANSPORTS, ...OTHER_TRANSPORTS]
  const body = transports.flatMap((transport) => {
    const here = rows.filter((row) => row.transport === transport)
    const standard = here.filter((row) => row.backend === 'copy')
    const measured = BACKENDS.flatMap((backend) => {
      const own = here.filter((row) => row.backend === backend)
      return own.length === 0 ? [] : [loLine(own, standard)]
    })
    const missing = leftOut.filter((one) => one.transport === transport).map(({ backend }) => missingLine(transport, backend))
    return [...measured, ...missing]
  })
  const header = ['', '', 'path', 'rx', 'MB', 'tx', 'MB', 'txc', 'dropped', 'tx over copy', 'slides', 'copied']
  return textTable(header, body, ['left', 'left', 'left'])
}

function loLine(own: readonly Row[], standard: readonly Row[]): string[] {
  const { transport, backend } = own[0] as Row
  const slides = backend === 'copy' ? undefined : SLIDES_LO[transport]
  const middle = (of: (row: Row) => number | null | undefined, divisor = 1): string => {
    const found = own.map(of).filter((value) => value != null)
    return found.length === 0 ? '-' : (median(found) / divisor).toFixed(0)
  }
  return [
    TRANSPORT_TITLES[transport],
    flagsOf(transport, backend),
    backend,
    middle(({ received }) => received?.sends),
    middle(({ received }) => received?.bytes, 1e6),
    middle(({ sends }) => sends),
    middle(({ bytes }) => bytes, 1e6),
    middle(({ notifiedIds }) => notifiedIds),
    middle(({ received }) => received?.dropped),
    backend === 'copy' ? '' : gainText(ratioOf(own, standard)),
    slides?.zc == null ? (backend === 'copy' ? '' : '-') : `+${((slides.zc / slides.std - 1) * 100).toFixed(0)}%`,
    copiedText(own),
  ]
}

function missingLine(transport: AnyTransport, backend: Row['backend'] | undefined): string[] {
  const names = [TRANSPORT_TITLES[transport], backend === undefined ? '' : flagsOf(transport, backend), backend ?? 'any']
  return [...names, '-', '-', '-', '-', '-', '-', 'not here: see below']
}

function flagsOf(transport: AnyTransport, backend: Row['backend']): string {
  return `${FLAGS[transport] ?? ''}${backend === 'copy' ? '' : ' -z'}`.trim()
}
