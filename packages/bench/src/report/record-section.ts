import { type BenchRecord, copiedShare } from '../record/record.js'
import { ancestorsView } from './ancestors-view.js'
import { connectionsView } from './connections-view.js'
import { machineOf, NATIVE, wayOf } from './environment.js'
import { type Html, html, type IdSource, tableHtml } from './html.js'
import { latencyView } from './latency-view.js'
import { loView } from './lo-view.js'
import { peersView } from './peers-view.js'
import { profileView } from './profile-view.js'
import { rpcView } from './rpc-view.js'
import { asksForZeroCopy } from './senders.js'
import { zeroCopyCopiedShare } from './series.js'
import { sizesView } from './sizes-view.js'
import { sweepView } from './sweep-view.js'
import { genericTable } from './tables.js'
import { datagramsView, filesView, pagesView } from './ways-view.js'
import { dateText, grouped, sharePercent } from './wording.js'

/** First words of the notes that could explain a result: load, steal, frequency. */
const WARNING = 'WARNING: '

/** Pictures of one command's records. */
export type View = (record: BenchRecord, ids: IdSource) => Html

/** Commands that have pictures. Another one gets a table of everything that its rows carry. */
export const VIEWS: Readonly<Record<string, View>> = {
  sweep: sweepView,
  paper: sweepView,
  peers: peersView,
  sizes: sizesView,
  lo: loView,
  ancestors: ancestorsView,
  profile: profileView,
  latency: latencyView,
  rpc: rpcView,
  connections: connectionsView,
  datagrams: datagramsView,
  files: filesView,
  pages: pagesView,
}

/** One record: the remarks that a reader needs first, its pictures, the machine. */
export function recordSection(record: BenchRecord, id: string, ids: IdSource): Html {
  const view = Object.hasOwn(VIEWS, record.command) ? VIEWS[record.command] : undefined
  const pictures = record.rows.length === 0 ? html`<p>This record has no rows.</p>` : (view?.(record, ids) ?? genericView(record))
  return html`<section aria-labelledby="${id}">
<h3 id="${id}">${recordTitle(record)}</h3>
${banners(record).map((text) => html`<p class="banner">${text}</p>\n`)}
${notesHtml(record)}${pictures}
${factsHtml(record)}
</section>
`
}

/** `sweep, 22 Nov 2026, 03:10 UTC`. */
export function recordTitle(record: BenchRecord): string {
  return `${record.command}, ${dateText(record.startedAt)}`
}

function genericView(record: BenchRecord): Html {
  return html`<p>This program has no picture for “${record.command}”; here is every cell of the record.</p>
${tableHtml(genericTable(`All cells of ${record.command}: medians over the rounds`, record.rows))}`
}

/** Remarks that change the meaning of the numbers, one sentence or two each. */
export function banners(record: BenchRecord): string[] {
  const texts: string[] = []
  const share = zeroCopyCopiedShare(record.rows)
  if (share === 1) {
    const cause =
      record.path.kind === 'loopback'
        ? 'as loopback always does on a stock kernel. T'
        : 'so check that the device has scatter-gather and checksum offload. T'
    texts.push(
      `Everything was copied: the kernel copied 100 % of the sends that asked for zero-copy, ${cause}hese numbers show what the notification paths cost, not what zero-copy saves.`,
    )
  } else if (share !== null && share > 0) {
    texts.push(`The kernel copied ${sharePercent(share)} of the sends that asked for zero-copy; each table gives the share by cell.`)
  }
  const { model } = machineOf(record)
  if (model !== NATIVE)
    texts.push(
      `Measured in a virtual machine, machine model “${model}”: compare these numbers with each other only, never with native ones.`,
    )
  if (!record.complete) texts.push('The run was interrupted: these are the rows that it had.')
  for (const note of record.notes) if (note.startsWith(WARNING)) texts.push(sentence(note.slice(WARNING.length)))
  return texts
}

/** The first letter large, as a sentence begins. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Share of all CPUs' time between the two readings that the hypervisor took; null where it is not reported. */
function stolenShare({ host: { loadBefore, loadAfter } }: BenchRecord): number | null {
  const [before, after] = [loadBefore.cpuTicks, loadAfter.cpuTicks]
  if (before === null || after === null || after.total <= before.total) return null
  return Math.max(0, after.steal - before.steal) / (after.total - before.total)
}

function notesHtml(record: BenchRecord): Html {
  const notes = record.notes.filter((note) => !note.startsWith(WARNING))
  if (notes.length === 0) return html``
  return html`<details open><summary>Notes of the run</summary><ul>${notes.map((note) => html`<li>${note}</li>\n`)}</ul></details>\n`
}

function factsHtml(record: BenchRecord): Html {
  return html`<details><summary>Machine, run and probes</summary>
${tableHtml({ caption: 'Machine and run', header: ['fact', 'value'], textColumns: 2, rows: facts(record) })}
${tableHtml({
  caption: 'What each probe said',
  header: ['path', 'works', 'reason', 'check', 'found', 'remedy'],
  textColumns: 6,
  rows: record.probes.flatMap(({ label, available, reason, remedy, checks }) => [
    [label, available ? 'yes' : 'no', reason, '', '', remedy ?? ''],
    ...checks.map((check) => [label, '', '', `${check.name}: ${check.ok ? 'ok' : 'not ok'}`, check.found, check.remedy ?? '']),
  ]),
})}
${tableHtml(genericTable('All cells: medians over the rounds', record.rows))}
</details>
`
}

function facts(record: BenchRecord): string[][] {
  const { host, path } = record
  const asked = record.rows.filter((row) => asksForZeroCopy(row.backend))
  const share = copiedShare(asked)
  const load = ({ average }: typeof host.loadBefore): string => average.map((one) => one.toFixed(2)).join(' ')
  const stolen = stolenShare(record)
  return [
    ['commit', host.commit === null ? 'unknown' : `${host.commit}${host.dirty === true ? ' (with changes)' : ''}`],
    ['kernel', host.kernel],
    ['CPU', `${host.cpuModel.trim()}, ${host.cpuCount} CPUs`],
    ['memory', `${(host.memoryBytes / 1_073_741_824).toFixed(1)} GiB`],
    ['Node.js', host.node],
    ['machine model', machineOf(record).model],
    ['path', wayOf(record)],
    ['CPU of sender, of receiver', `${path.senderCpu ?? 'not pinned'}, ${path.receiverCpu ?? 'not pinned'}`],
    ['copied, of sends that asked for zero-copy', share === null ? 'not told' : sharePercent(share)],
    ['load before (1, 5, 15 min)', load(host.loadBefore)],
    ['load after', load(host.loadAfter)],
    ['CPU time that the hypervisor took during the run', stolen === null ? 'not reported' : sharePercent(stolen)],
    ['started', record.startedAt],
    ['finished', record.finishedAt],
    ['rows', `${grouped(String(record.rows.length))}${record.complete ? '' : ', interrupted'}`],
    ['seed of the order', String(record.seed)],
    ...Object.entries(record.options).map(([name, value]) => [`option ${name}`, typeof value === 'string' ? value : JSON.stringify(value)]),
  ]
}
