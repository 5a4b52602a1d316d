import { axisY, barX, gridX, type Markish, ruleX, ruleY, text } from '@observablehq/plot'
import { extentOf } from './curves.js'
import type { Html } from './html.js'
import { PICTURE_WIDTH, plotSvg } from './plot-svg.js'
import type { Estimate } from './series.js'

const BAR_HEIGHT = 22
const MARGIN = { top: 12, right: 100, bottom: 46, left: 132 }

/** Distance between ticks, in the picture's units: room for the longest number. */
const TICK_SPACING = 55

/** One bar. */
export interface Bar {
  /** At its left. */
  label: string
  /** At its end. */
  value: string
  /** Length, and the interval that the whisker shows; low = high where there is none. */
  estimate: Pick<Estimate, 'median' | 'low' | 'high'>
  /** CSS colour. */
  colour: string
  /** A figure from a publication: drawn as an outline. */
  published?: boolean
}

/**
 * Horizontal bars from zero, each with its interval as a whisker and its value in words at the end.
 * @param bars - from top to bottom
 * @param domain - shared by the pictures of one figure
 * @param axis - what the x axis carries, with its unit
 * @param label - for a screen reader
 * @param labelWidth - room for the labels at the left, in the picture's units
 */
export function bars(
  bars: readonly Bar[],
  domain: readonly [number, number],
  axis: string,
  label: string,
  labelWidth: number = MARGIN.left,
): Html {
  const data = bars.map((bar, at) => ({ ...bar, at: String(at), ...bar.estimate }))
  const measured = data.filter((bar) => bar.published !== true)
  const published = data.filter((bar) => bar.published === true)
  const hint = (bar: (typeof data)[number]): string => `${bar.label}: ${bar.value}`
  // The value stands beyond the whisker, on the side to which the bar goes.
  const beyond = (bar: (typeof data)[number]): number => Math.min(domain[1], Math.max(0, bar.median, bar.high))
  const marks: Markish[] = [
    gridX({ stroke: 'var(--grid)', strokeOpacity: 1, tickSpacing: TICK_SPACING }),
    barX(published, {
      x: 'median',
      y: 'at',
      fill: 'var(--panel)',
      stroke: 'currentColor',
      strokeDasharray: '3 2',
      insetTop: 3,
      insetBottom: 3,
      title: hint,
    }),
    barX(measured, { x: 'median', y: 'at', fill: (bar) => bar.colour, insetTop: 3, insetBottom: 3, title: hint }),
    ...measured.filter((bar) => bar.low !== bar.high).flatMap((bar) => whisker(bar, domain)),
    ruleX([0], { stroke: 'currentColor' }),
    text(data, { x: beyond, y: 'at', text: 'value', textAnchor: 'start', dx: 7, fontVariant: 'tabular-nums' }),
    axisY({ tickSize: 0, tickFormat: (at: string) => data[Number(at)]?.label ?? '', label: null, tickPadding: 8 }),
  ]
  return plotSvg(
    {
      width: PICTURE_WIDTH,
      height: MARGIN.top + MARGIN.bottom + bars.length * BAR_HEIGHT,
      marginTop: MARGIN.top,
      marginRight: MARGIN.right,
      marginBottom: MARGIN.bottom,
      marginLeft: labelWidth,
      x: { domain: [...domain], label: axis, labelAnchor: 'center', labelArrow: 'none', tickSpacing: TICK_SPACING, tickSize: 0 },
      y: { type: 'band', domain: data.map(({ at }) => at), padding: 0 },
      color: { type: 'identity' },
      marks,
    },
    label,
  )
}

/** A whisker has a cross-stroke at each end that is in the picture; one that leaves it is cut at the edge. An edge sets it off from its bar. */
function whisker(bar: Bar['estimate'] & { at: string }, [least, most]: readonly [number, number]): Markish[] {
  const ends = { at: bar.at, low: Math.max(least, bar.low), high: Math.min(most, bar.high) }
  const markers = {
    ...(bar.low < least ? {} : { markerStart: 'tick' as const }),
    ...(bar.high > most ? {} : { markerEnd: 'tick' as const }),
  }
  const where = { x1: 'low', x2: 'high', y: 'at' }
  return [
    ruleY([ends], { ...where, stroke: 'var(--panel)', strokeWidth: 4 }),
    ruleY([ends], { ...where, ...markers, stroke: 'currentColor', strokeWidth: 1.5 }),
  ]
}

/** The extent that holds zero and every bar, and the whiskers as far as they do not dwarf the bars. */
export function barDomain(all: readonly Bar[]): [number, number] {
  const [low, high] = extentOf(
    all.map(({ estimate }) => estimate),
    [0],
  )
  return low === high ? [0, 1] : [low, high]
}
