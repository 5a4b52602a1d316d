import { areaY, dot, gridX, gridY, line, type Markish, ruleY, text } from '@observablehq/plot'
import type { Html } from './html.js'
import { LETTER_SIZE, PICTURE_WIDTH, plotSvg } from './plot-svg.js'
import { type Sender, styleOf } from './senders.js'
import type { Estimate, Point, Series } from './series.js'

const HEIGHT = 300
const MARGIN = { top: 26, right: 100, bottom: 50, left: 66 }

/** Smallest distance between two labels at the right edge, in the picture's units; leaves room for the letters of a phone. */
const LABEL_PITCH = LETTER_SIZE + 4

/** By how much a line or a point is larger than the one drawn over it, in the picture's units. */
const EDGE = 0.7

/** The scale of a y axis. */
export interface YScale {
  domain: readonly [number, number]
  kind: 'linear' | 'log2'
}

/** Scales that a set of small pictures shares, so that they can be compared. */
export interface CurveFrame {
  /** Values of x, at which the ticks stand. */
  ticks: readonly number[]
  xLabel: string
  /** Writes a value of x. */
  xText: (x: number) => string
  yLabel: string
  y: YScale
  /** Writes a value of y at its tick. */
  yTick: (y: number) => string
  /** Writes a value of y in the hint of a point. */
  yText: (y: number) => string
  /** A line across: where two paths are equal. */
  reference?: { y: number; label: string }
}

/** A published figure of a sender: a point without a line, since nothing is known between two of them. */
export interface PublishedPoint {
  sender: Sender
  x: number
  y: number
}

/**
 * Lines over a log2 axis, one per sender, each with its bootstrap interval as a band and its name at its end.
 * @param series - lines of one picture
 * @param label - for a screen reader
 * @param published - hollow points beside the lines
 */
export function curves(series: readonly Series[], frame: CurveFrame, label: string, published: readonly PublishedPoint[] = []): Html {
  const marks: Markish[] = [
    gridY({ strokeOpacity: 1, stroke: 'var(--grid)' }),
    gridX({ strokeOpacity: 1, stroke: 'var(--grid)', ticks: [...frame.ticks] }),
  ]
  if (frame.reference !== undefined) marks.push(ruleY([frame.reference.y], { stroke: 'var(--errqueue)', strokeWidth: 2 }))
  // Where lines coincide, the lower ones show as edges of the upper ones.
  const layers = series.map((one, at) => seriesMarks(one, frame, EDGE * (series.length - 1 - at)))
  for (const layer of ['band', 'line', 'points'] as const) marks.push(...layers.map((own) => own[layer]))
  marks.push(...publishedMarks(published, frame), ...endLabels(series, frame))
  const { domain, kind } = frame.y
  return plotSvg(
    {
      height: HEIGHT,
      marginTop: MARGIN.top,
      marginRight: MARGIN.right,
      marginBottom: MARGIN.bottom,
      marginLeft: MARGIN.left,
      x: { ...xAxis(frame), label: frame.xLabel, labelAnchor: 'center', labelArrow: 'none', tickSize: 0 },
      y: {
        ...(kind === 'log2' ? { type: 'log' as const, base: 2, ticks: powersWithin(domain) } : { ticks: 5 }),
        domain: [...domain],
        label: frame.yLabel,
        labelArrow: 'none',
        tickFormat: (value: number) => frame.yTick(value),
        tickSize: 0,
      },
      marks,
    },
    label,
  )
}

function xAxis(frame: CurveFrame): Record<string, unknown> {
  const { ticks } = frame
  const [first = 1] = ticks
  const last = ticks[ticks.length - 1] ?? first
  // A single interval has no extent of its own.
  const domain = first === last ? [first / 2, last * 2] : [first, last]
  return { type: 'log', base: 2, domain, ticks: [...ticks], tickFormat: (value: number) => frame.xText(value) }
}

function powersWithin([low, high]: readonly [number, number]): number[] {
  const powers: number[] = []
  for (let exponent = Math.ceil(Math.log2(low)); 2 ** exponent <= high; exponent++) powers.push(2 ** exponent)
  return powers
}

function seriesMarks(
  { sender, style = styleOf(sender), points }: Series,
  frame: CurveFrame,
  extra: number,
): Record<'band' | 'line' | 'points', Markish> {
  const stroke = { stroke: style.colour, strokeWidth: 1.8 + extra, ...(style.dash === undefined ? {} : { strokeDasharray: style.dash }) }
  const hint = (point: Point): string =>
    `${style.label} at ${frame.xText(point.x)}: ${frame.yText(point.median)} (${frame.yText(point.low)} to ${frame.yText(point.high)}, ${point.rounds} rounds)`
  const data = [...points]
  const [bottom, top] = frame.y.domain
  const within = (value: number): number => Math.min(top, Math.max(bottom, value))
  return {
    band: areaY(data, { x: 'x', y1: ({ low }) => within(low), y2: ({ high }) => within(high), fill: style.colour, fillOpacity: 0.16 }),
    line: line(data, { x: 'x', y: 'median', ...stroke }),
    points: dot(data, {
      x: 'x',
      y: 'median',
      fill: style.colour,
      symbol: style.symbol,
      r: 3.8 + extra,
      title: hint,
      stroke: 'var(--panel)',
      strokeWidth: 0.8,
    }),
  }
}

function publishedMarks(published: readonly PublishedPoint[], frame: CurveFrame): Markish[] {
  const last = frame.ticks[frame.ticks.length - 1]
  return published.flatMap(({ sender, x, y }) => {
    const { label, colour } = styleOf(sender)
    // Beyond the last tick stand the names of the lines.
    const side = x === last ? { dx: -8, textAnchor: 'end' as const } : { dx: 8, textAnchor: 'start' as const }
    return [
      dot([{ x, y }], {
        x: 'x',
        y: 'y',
        r: 4.5,
        stroke: colour,
        strokeWidth: 1.5,
        strokeDasharray: '2 2',
        fill: 'var(--panel)',
        title: () => `${label}, published, at ${frame.xText(x)}: ${frame.yText(y)}`,
      }),
      text([{ x, y }], { x: 'x', y: 'y', text: () => 'published', lineAnchor: 'middle', fill: colour, ...side }),
    ]
  })
}

/** Names at the right end of the lines, moved apart where they would cover each other, each tied to its line. */
function endLabels(series: readonly Series[], frame: CurveFrame): Markish[] {
  const plotHeight = HEIGHT - MARGIN.top - MARGIN.bottom
  const { domain, kind } = frame.y
  const along = (value: number): number => {
    const [low, high, at] = kind === 'log2' ? [...domain, value].map(Math.log2) : [...domain, value]
    return MARGIN.top + plotHeight * (1 - ((at as number) - (low as number)) / ((high as number) - (low as number)))
  }
  const ends = series.map(({ sender, style = styleOf(sender), points }) => ({
    ...style,
    end: along((points[points.length - 1] as Point).median),
  }))
  if (frame.reference !== undefined)
    ends.push({ ...styleOf('errqueue-recvmsg'), label: frame.reference.label, end: along(frame.reference.y) })
  const places = spread(
    ends.map(({ end }) => end),
    LABEL_PITCH,
    [MARGIN.top, HEIGHT - MARGIN.bottom],
  )
  const right = PICTURE_WIDTH - MARGIN.right
  return ends.flatMap(({ label, colour, end }, at) => {
    const place = places[at] as number
    // A frame anchor puts both at pixels: they belong to the margin, where the scales say nothing.
    return [
      (_index, _scales, _values, _dimensions, context) => {
        const tie = context.document.createElementNS('http://www.w3.org/2000/svg', 'path')
        tie.setAttribute('d', `M${right + 3},${end.toFixed(1)}L${right + 12},${place.toFixed(1)}`)
        tie.setAttribute('stroke', colour)
        return tie
      },
      text([label], {
        frameAnchor: 'top-right',
        dx: 15,
        dy: place - MARGIN.top,
        textAnchor: 'start',
        lineAnchor: 'middle',
        fill: colour,
        fontWeight: 600,
      }),
    ] satisfies Markish[]
  })
}

/**
 * Moves places apart until each is `pitch` from the next, as near to where they were as the order allows.
 * @param places - wanted places
 * @param bounds - none leaves these, as far as there is room
 * @returns new places, in the order given
 */
export function spread(places: readonly number[], pitch: number, bounds: readonly [number, number]): number[] {
  const order = places.map((_, at) => at).sort((a, b) => (places[a] as number) - (places[b] as number) || a - b)
  const moved = [...places]
  let floor = bounds[0]
  for (const at of order) {
    moved[at] = Math.max(moved[at] as number, floor)
    floor = (moved[at] as number) + pitch
  }
  let ceiling = Math.max(bounds[1], bounds[0] + pitch * (places.length - 1))
  for (const at of order.reverse()) {
    moved[at] = Math.min(moved[at] as number, ceiling)
    ceiling = (moved[at] as number) - pitch
  }
  return moved
}

/**
 * How far a scale goes beyond the medians for the sake of bands, in multiples of their extent: a few wild rounds must not flatten
 * the lines. What is beyond is cut at the edge; the tables have it whole.
 */
const BAND_ROOM = 0.6

/**
 * The extent of a scale that holds every median, and of the bands as much as {@link BAND_ROOM} allows.
 * @param held - values that it must hold, at least one
 */
export function extentOf(estimates: readonly Pick<Estimate, 'median' | 'low' | 'high'>[], held: readonly number[]): [number, number] {
  const must = [...held, ...estimates.map(({ median }) => median)]
  const [least, most] = [Math.min(...must), Math.max(...must)]
  const room = (most - least) * BAND_ROOM
  return [
    Math.max(least - room, Math.min(least, ...estimates.map(({ low }) => low))),
    Math.min(most + room, Math.max(most, ...estimates.map(({ high }) => high))),
  ]
}

function pointsOf(all: readonly Series[]): Point[] {
  return all.flatMap(({ points }) => points)
}

/** The y scale from zero up; all small pictures of a figure share it. */
export function scaleFromZero(all: readonly Series[]): YScale {
  const top = extentOf(pointsOf(all), [0])[1]
  return { domain: [0, top === 0 ? 1 : top * 1.04], kind: 'linear' }
}

/** The y scale around `reference` and other values that it must hold, with a little room on both sides. */
export function scaleAround(all: readonly Series[], reference: number, held: readonly number[] = []): YScale {
  const [low, high] = extentOf(pointsOf(all), [reference, ...held])
  const room = (high - low) * 0.06
  return { domain: low === high ? [reference - 1, reference + 1] : [low - room, high + room], kind: 'linear' }
}

/** A log2 scale from 1 (or below) that holds every point and band. */
export function scaleOfPowers(all: readonly Series[]): YScale {
  const values = pointsOf(all)
    .flatMap(({ low, high }) => [low, high])
    .filter((value) => value > 0)
  return { domain: [Math.min(1, ...values) / 1.1, Math.max(2, ...values) * 1.15], kind: 'log2' }
}

/** A log2 scale that just holds every point, and the bands as far as they do not dwarf the points; for values above zero. */
export function scaleBetween(all: readonly Series[]): YScale {
  const medians = pointsOf(all).map(({ median }) => median)
  const [least, most] = [Math.min(...medians), Math.max(...medians)]
  return { domain: [least / 1.5, most * 1.5], kind: 'log2' }
}
