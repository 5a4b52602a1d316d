const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

/** Markup: everything in it is escaped, or made by this folder. An object, so that a template can tell it from text. */
export interface Html {
  readonly markup: string
}

/** Content of a template: markup stays as it is, text is escaped, a list is joined. */
export type HtmlValue = Html | string | number | readonly (Html | string | number)[]

/** Makes text safe between tags and inside quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/gu, (character) => ENTITIES[character] ?? '')
}

/** Declares text to be markup. The caller has escaped what came from outside. */
export function raw(markup: string): Html {
  return { markup }
}

/** Joins markup and escaped text. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  return raw(parts.reduce((text, part, at) => text + markupOf(values[at - 1] ?? '') + part))
}

function markupOf(value: HtmlValue): string {
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value))
  return 'markup' in value ? value.markup : value.map((one) => markupOf(one)).join('')
}

/** Ids that are unique in one page. */
export class IdSource {
  #next = 1

  /** A new id that begins with `stem`. */
  next(stem: string): string {
    return `${stem}-${this.#next++}`
  }
}

/** A table as data. */
export interface TableData {
  /** Says what the table shows; read out first. */
  caption: string
  header: readonly string[]
  /** One cell per column of the header. */
  rows: readonly (readonly string[])[]
  /** How many columns at the left are text; they head their row. The others are numbers, set right. */
  textColumns: number
}

/** A table in a box of its own that scrolls, by keyboard too, so that the page never does sideways. */
export function tableHtml(table: TableData): Html {
  const cell = (text: string, column: number): Html => {
    if (column === 0) return html`<th scope="row">${text}</th>`
    return column < table.textColumns ? html`<td class="text">${text}</td>` : html`<td>${text}</td>`
  }
  const head = table.header.map((title, column) =>
    column < table.textColumns ? html`<th scope="col" class="text">${title}</th>` : html`<th scope="col">${title}</th>`,
  )
  const body = table.rows.map((row) => html`<tr>${row.map(cell)}</tr>\n`)
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${table.caption}"><table><caption>${table.caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>`
}

/** One picture, or several small ones on the same scale, with the text above and the numbers below. */
export interface FigureData {
  title: string
  /** Sentences about the picture, from the data; one list entry each. */
  sentences: readonly string[]
  /** SVG elements, each with its heading; no heading where it is ''. */
  pictures: readonly { heading: string; remark?: string; svg: Html }[]
  /** How to read it: axes, bands. */
  reading: string
  table: TableData
  /** A second one, for figures from elsewhere. */
  publishedTable?: TableData
}

/** A figure: heading, text, pictures, and the data as a table behind a disclosure. */
export function figureHtml(figure: FigureData, ids: IdSource): Html {
  const id = ids.next('figure')
  const pictures = figure.pictures.map(
    ({ heading, remark, svg }) =>
      html`<figure>${heading === '' ? '' : html`<figcaption>${heading}${remarkHtml(remark)}</figcaption>`}${svg}</figure>\n`,
  )
  const sentences = figure.sentences.map((sentence) => html`<li>${sentence}</li>`)
  return html`<div class="picture" role="group" aria-labelledby="${id}">
<h4 id="${id}">${figure.title}</h4>
<ul class="says">${sentences}</ul>
<div class="multiples">${pictures}</div>
<p class="reading">${figure.reading}</p>
<details><summary>The numbers: ${figure.title}</summary>${tableHtml(figure.table)}${
    figure.publishedTable === undefined ? '' : tableHtml(figure.publishedTable)
  }</details>
</div>
`
}

function remarkHtml(remark: string | undefined): HtmlValue {
  return remark === undefined ? '' : html` <span class="remark">${remark}</span>`
}

/** One tab and what it shows. */
export interface Tab {
  title: string
  content: Html
}

/**
 * Tabs as buttons (WAI-ARIA tabs pattern). Without a script every panel shows under its heading; the page's script turns
 * the headings into tabs.
 * @param label - names the set for a screen reader
 */
export function tabsHtml(label: string, tabs: readonly Tab[], ids: IdSource): Html {
  if (tabs.length === 1) return (tabs[0] as Tab).content
  const panels = tabs.map((tab) => {
    const id = ids.next('panel')
    return { id, tab, button: `${id}-tab` }
  })
  const buttons = panels.map(
    ({ id, tab, button }, at) =>
      html`<button type="button" role="tab" id="${button}" aria-controls="${id}" aria-selected="${String(at === 0)}" tabindex="${
        at === 0 ? 0 : -1
      }">${tab.title}</button>`,
  )
  const bodies = panels.map(
    ({ id, tab, button }) =>
      html`<div role="tabpanel" id="${id}" aria-labelledby="${button}"><h4 class="untabbed">${tab.title}</h4>${tab.content}</div>\n`,
  )
  return html`<div class="tabs"><div role="tablist" aria-label="${label}" hidden>${buttons}</div>${bodies}</div>`
}
