import { describe, expect, it } from 'vitest'
import { extentOf, spread } from '../../src/report/curves.js'
import { escapeHtml, html, raw } from '../../src/report/html.js'
import { plotSvg } from '../../src/report/plot-svg.js'

describe('labels at the ends of lines', () => {
  it('stay where they are when there is room, and keep their order and distance when there is not', () => {
    expect(spread([10, 50], 15, [0, 100])).toEqual([10, 50])
    expect(spread([50, 50, 49], 15, [0, 100])).toEqual([64, 79, 49])
    expect(spread([99, 98], 15, [0, 100])).toEqual([100, 85])
  })
})

describe('scales', () => {
  it('hold every band, unless a wild one would flatten the lines', () => {
    expect(extentOf([{ median: 10, low: 8, high: 12 }], [0])).toEqual([0, 12])
    expect(extentOf([{ median: 10, low: -90, high: 1_000 }], [0])).toEqual([-6, 16])
  })
})

describe('markup', () => {
  it('escapes what came from a record', () => {
    expect(html`<p title="${'"><script>'}">${['<b>', raw('<i>')]}</p>`.markup).toBe('<p title="&quot;&gt;&lt;script&gt;">&lt;b&gt;<i></p>')
    expect(escapeHtml("&'")).toBe('&amp;&#39;')
  })

  it('draws an image with a name, and nothing that the policy of the page would refuse', () => {
    const { markup } = plotSvg({ x: { domain: [0, 1] }, y: { domain: [0, 1] } }, 'a <name>')
    expect(markup).toMatch(/^<svg [^>]*role="img"/u)
    expect(markup).toContain('aria-label="a &lt;name')
    expect(markup).not.toMatch(/<style| style="/u)
  })
})
