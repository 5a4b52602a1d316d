import { ANCESTORS, BACKENDS, TRANSPORT_TITLES, TRANSPORTS } from '../cells/cell.js'
import { summarize } from '../numbers/statistics.js'
import type { Row } from '../record/record.js'
import { costRatio, MEASURES, type Measure, percentText } from './sizes-table.js'
import { copiedText, gainText, rateText, ratioOf } from './sweep-table.js'
import { textTable } from './text-table.js'

/** When the sender may change its memory: the difference of the paths beside their speed. */
export const FREE_WHEN: Partial<Record<Row['backend'], string>> = {
  copy: 'at once',
  'errqueue-recvmsg': 'when notified',
  'errqueue-recvmmsg': 'when notified',
  uring: 'when notified',
  inline: 'when notified',
  sendfile: 'nobody tells',
  splice: 'nobody tells',
  vmsplice: 'nobody tells',
}

/** Why these paths report no release, in sentences for the reader of the tables. */
export const FREE_NOTES = [
  'sendfile and splice send pages of the page cache: who writes to the file changes what is still to be sent, or sent again.',
  'vmsplice without SPLICE_F_GIFT lends the pages of memory to the pipe, and splice hands them on to the socket. Neither reports anything.',
  'An empty pipe says that the socket has the pages, SIOCOUTQ = 0 that the peer has acknowledged them; after both, a clone in a queue or tap may refer to them.',
  'With SPLICE_F_GIFT the memory may never be changed again (vmsplice(2)).',
] as const

const ORDER: readonly string[] = [...BACKENDS, ...ANCESTORS]

/** A table per transport, size and interval: the same bytes through each path. */
export function ancestorsTables(rows: readonly Row[]): string[] {
  const lines: string[] = []
  const cpu = MEASURES[0] as Measure
  for (const transport of TRANSPORTS) {
    const found = rows.filter((row) => row.transport === transport)
    const places = new Map(found.map(({ sizeBytes, interval }) => [`${sizeBytes} ${interval}`, { sizeBytes, interval }]))
    for (const { sizeBytes, interval } of [...places.values()].sort((a, b) => a.sizeBytes - b.sizeBytes || a.interval - b.interval)) {
      const here = found.filter((row) => row.sizeBytes === sizeBytes && row.interval === interval)
      const standard = here.filter((row) => row.backend === 'copy')
      const paths = [...new Set(here.map((row) => row.backend))].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))
      const body = paths.map((path) => {
        const own = here.filter((row) => row.backend === path)
        const costs = own.map(cpu.of).filter((value) => value !== null)
        const calls = own.map((row) => row.callsPerSend).filter((value) => value !== null)
        return [
          path,
          rateText(own),
          path === 'copy' ? '' : gainText(ratioOf(own, standard)),
          costs.length === 0 ? '-' : summarize(costs).median.toFixed(1),
          path === 'copy' ? '' : percentText(costRatio(own, standard, cpu)),
          calls.length === 0 ? '-' : summarize(calls).median.toFixed(2),
          FREE_WHEN[path] ?? '-',
          copiedText(own),
        ]
      })
      const header = ['path', 'MB/s', 'gain over copy', 'CPU ns/KB', '% of copy', 'calls/send', 'memory free', 'copied']
      lines.push('', `${TRANSPORT_TITLES[transport]}, ${sizeBytes} bytes a send, interval ${interval}`, ...textTable(header, body))
    }
  }
  return lines
}
