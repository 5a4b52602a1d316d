import { createHash } from 'node:crypto'
import type { BenchRecord } from '../record/record.js'
import { groupRecords, type RecordGroup } from './environment.js'
import { type Html, html, IdSource, raw } from './html.js'
import { PAGE_SCRIPT } from './page-script.js'
import { PAGE_STYLE } from './page-style.js'
import { recordSection, recordTitle } from './record-section.js'

/** A group with the anchors of its parts. */
interface Placed {
  group: RecordGroup
  id: string
  records: { record: BenchRecord; id: string }[]
}

/**
 * The whole report as one HTML document that loads nothing: its policy forbids everything but this very style sheet and script.
 * @param records - valid, at least one
 */
export function reportPage(records: readonly BenchRecord[]): string {
  const ids = new IdSource()
  const placed = groupRecords(records).map((group): Placed => {
    const own = group.records.map((record) => ({ record, id: ids.next('record') }))
    return { group, id: ids.next('machine'), records: own }
  })
  const policy = `default-src 'none'; style-src '${hashOf(PAGE_STYLE)}'; script-src '${hashOf(PAGE_SCRIPT)}'; img-src data:; base-uri 'none'; form-action 'none'`
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${raw(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="sendzc bench report">
<title>sendzc: notification paths of zero-copy sends, measured</title>
<link rel="icon" href="data:,">
<style>${raw(PAGE_STYLE)}</style>
</head>
<body>
<a class="skip" href="#content">Skip to the results</a>
<header class="page wide">
<div class="bar"><div><h1>What a zero-copy send costs</h1>
<p class="soft">${summary(placed)}</p></div>
<button type="button" id="theme" aria-pressed="false" hidden>Dark theme</button></div>
${contents(placed)}
</header>
<main class="wide" id="content" tabindex="-1">
${placed.map((one) => groupHtml(one, ids))}
</main>
<footer class="wide"><p>Made by <code>sendzc bench report</code> from the records named here; nothing on this page is loaded from elsewhere.
Intervals are 95 % percentile bootstrap intervals of medians; ratios are paired by round; a ratio whose interval holds 1.00 is called no difference.
Copied share: of the messages that the kernel told of, those that it copied.</p></footer>
<script>${raw(PAGE_SCRIPT)}</script>
</body>
</html>
`.markup
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

function summary(placed: readonly Placed[]): string {
  const records = placed.flatMap((one) => one.records)
  const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`
  const apart =
    placed.length === 1 ? '' : '; another machine, kernel, path or machine model is another section, and they are not to be compared'
  return `sendzc: notification paths measured. ${count(records.length, 'record', 'records')} in ${count(placed.length, 'section', 'sections')}${apart}.`
}

function contents(placed: readonly Placed[]): Html {
  const items = placed.map(
    ({
      group,
      id,
      records,
    }) => html`<li><a href="#${id}">${group.title}</a>: ${records.map((one, at) => html`${at === 0 ? '' : '; '}<a href="#${one.id}">${recordTitle(one.record)}</a>`)}</li>
`,
  )
  return html`<nav aria-label="Sections"><ol>${items}</ol></nav>`
}

function groupHtml({ group, id, records }: Placed, ids: IdSource): Html {
  return html`<section aria-labelledby="${id}">
<h2 id="${id}">${group.title}</h2>
${records.map(({ record, id: recordId }) => recordSection(record, recordId, ids))}
</section>
`
}
