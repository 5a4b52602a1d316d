import type { Row } from '../record/record.js'
import { type Html, html, raw } from './html.js'
import { LABEL_MEANINGS, type SenderStyle, sortSenders, styleOf } from './senders.js'

/** The shapes of the pictures' points, around (17, 7). */
const SHAPES: Record<SenderStyle['symbol'], string> = {
  circle: 'M13,7a4,4,0,1,0,8,0a4,4,0,1,0,-8,0Z',
  square: 'M13.5,3.5h7v7h-7Z',
  triangle: 'M17,2L21.5,10H12.5Z',
  diamond: 'M17,1.5L20.5,7L17,12.5L13.5,7Z',
  cross: 'M15.7,2.7h2.6v3h3v2.6h-3v3h-2.6v-3h-3v-2.6h3Z',
  star: 'M17,2L18.5,5.5H22L19.2,7.9L20.3,11.6L17,9.4L13.7,11.6L14.8,7.9L12,5.5H15.5Z',
}

/** The meaning of the short names in the pictures, each with its colour, dash and shape. */
export function legendHtml(rows: readonly Row[]): Html {
  const entries = sortSenders(rows.map((row) => row.backend)).map((sender) => {
    const style = styleOf(sender)
    return html`<div><dt>${sign(style)}${style.label}</dt><dd>${LABEL_MEANINGS[style.label] ?? 'not ours; the notes say what it was built from'}</dd></div>\n`
  })
  return html`<dl class="legend">${entries}</dl>\n`
}

function sign({ colour, dash, symbol }: SenderStyle): Html {
  const dashes = dash === undefined ? '' : ` stroke-dasharray="${dash}"`
  return raw(
    `<svg class="sign" viewBox="0 0 34 14" aria-hidden="true"><path d="M1,7H33" fill="none" stroke="${colour}" stroke-width="2"${dashes}/>` +
      `<path d="${SHAPES[symbol]}" fill="${colour}"/></svg>`,
  )
}
