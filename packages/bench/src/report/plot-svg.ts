import { type PlotOptions, plot } from '@observablehq/plot'
import { DOMImplementation, type Element, type Node, XMLSerializer } from '@xmldom/xmldom'
import { type Html, raw } from './html.js'

const SVG_NAMESPACE = 'http://www.w3.org/2000/svg'

/** Width of a picture in its own units; the page scales it to the column. */
export const PICTURE_WIDTH = 460

/** Size of its letters, in the same units; the page enlarges them on a narrow screen, for which the margins leave room. */
export const LETTER_SIZE = 13

/** Attributes with coordinates; a tenth of a unit is finer than a screen shows. */
const COORDINATES = ['d', 'transform', 'x', 'y', 'x1', 'x2', 'y1', 'y2', 'width', 'height']

/**
 * Draws with Observable Plot, on a DOM that is only a tree, and returns the SVG element as text. It carries no style sheet and
 * no style attribute, so that the page's Content-Security-Policy need not allow any; colours are the page's CSS variables, so
 * that one picture serves light and dark.
 * @param options - of Plot
 * @param label - name of the picture, for a screen reader; the data itself stands in a table beside it
 */
export function plotSvg(options: PlotOptions, label: string): Html {
  const document = new DOMImplementation().createDocument(SVG_NAMESPACE, 'svg', null)
  const drawn = plot({ width: PICTURE_WIDTH, ...options, document: document as never }) as unknown as Element
  for (const sheet of [...drawn.getElementsByTagName('style')]) sheet.parentNode?.removeChild(sheet)
  prune(drawn)
  drawn.setAttribute('role', 'img')
  drawn.setAttribute('aria-label', label)
  drawn.setAttribute('class', 'plot')
  drawn.setAttribute('font-size', String(LETTER_SIZE))
  drawn.removeAttribute('font-family')
  drawn.removeAttribute('width')
  drawn.removeAttribute('height')
  return raw(new XMLSerializer().serializeToString(drawn as unknown as Node))
}

/** Inside an image no element has a role of its own, so the labels that Plot gives its groups say nothing to anyone. */
function prune(element: Element): void {
  for (const name of ['aria-label', 'aria-hidden', 'aria-description', 'style', 'class']) element.removeAttribute(name)
  for (const name of COORDINATES) {
    const value = element.getAttribute(name)
    if (value !== null && value !== '') element.setAttribute(name, value.replace(/-?\d+\.\d{2,}(?:e-\d+)?/gu, rounded))
  }
  for (const child of [...element.childNodes]) if (child.nodeType === 1) prune(child as unknown as Element)
}

function rounded(number: string): string {
  return String(Number(Number(number).toFixed(1)))
}
