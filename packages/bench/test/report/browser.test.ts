import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeReport } from '../../src/report/write-report.js'
import { Browser, findChromium, type Page } from './browser.js'
import {
  syntheticAncestors,
  syntheticLo,
  syntheticMachineModel,
  syntheticPeers,
  syntheticProfile,
  syntheticSizes,
  syntheticSweep,
} from './synthetic-records.js'
import { syntheticConnections, syntheticLatency, syntheticRpc } from './synthetic-times.js'

const TEST_TIMEOUT_MS = 120_000

/** A picture of a page is larger than this, in bytes; an empty one is not. */
const LEAST_PICTURE_BYTES = 20_000

const DESKTOP = { widthPixels: 1_280, heightPixels: 900 }
const PHONE = { widthPixels: 360, heightPixels: 740, phone: true }

const hasBrowser = findChromium() !== undefined

let folder: string
let url: string
let browser: Browser

beforeAll(async () => {
  if (!hasBrowser) return
  // A folder of the caller's keeps the screenshots, for somebody to look at.
  folder = process.env.SENDZC_REPORT_PICTURES ?? (await mkdtemp(join(tmpdir(), 'report-')))
  await mkdir(folder, { recursive: true })
  const outFile = join(folder, 'report.html')
  const sweep = syntheticSweep({ rounds: 3, intervals: [1, 4, 32] })
  const others = [syntheticPeers(), syntheticSizes(), syntheticLo(), syntheticAncestors(), syntheticProfile()]
  const times = [syntheticLatency(), syntheticRpc(), syntheticConnections()]
  await writeReport({ records: [sweep, ...others, ...times, syntheticMachineModel('instructions')], outFile })
  url = pathToFileURL(outFile).href
  browser = await Browser.start()
}, TEST_TIMEOUT_MS)

afterAll(async () => {
  if (!hasBrowser) return
  await browser?.close()
  if (process.env.SENDZC_REPORT_PICTURES === undefined) await rm(folder, { recursive: true, force: true })
})

const background = (page: Page): Promise<string> => page.evaluate('getComputedStyle(document.body).backgroundColor')
const focused = (page: Page): Promise<string> => page.evaluate('document.activeElement.textContent.trim()')

describe.runIf(hasBrowser)(`the report in a browser${hasBrowser ? '' : ' (needs chromium)'}`, { timeout: TEST_TIMEOUT_MS }, () => {
  it.each([
    ['desktop', DESKTOP],
    ['dark', { ...DESKTOP, dark: true }],
    ['phone', PHONE],
    ['phone-dark', { ...PHONE, dark: true }],
  ])('loads without a complaint and asks for nothing but itself: %s', async (name, viewport) => {
    const page = await browser.open(url, viewport)
    expect(page.complaints).toEqual([])
    expect(page.requests.filter((request) => !request.startsWith('data:'))).toEqual([url])
    for (const [part, selector] of [
      ['top', undefined],
      ['curves', '.picture'],
      ['bars', '.picture:nth-of-type(3)'],
    ] as const) {
      expect(await page.screenshot(join(folder, `${name}-${part}.png`), selector)).toBeGreaterThan(LEAST_PICTURE_BYTES)
    }
  })

  it('would be caught asking for something', async () => {
    const path = join(folder, 'asks.html')
    await writeFile(path, '<!doctype html><script>console.error("x")</script><img src="http://127.0.0.1:9/picture.png">')
    const page = await browser.open(pathToFileURL(path).href, DESKTOP)
    expect(page.requests).toContain('http://127.0.0.1:9/picture.png')
    expect(page.complaints).not.toEqual([])
  })

  it('has a policy that keeps a foreign script and picture out', async () => {
    const page = await browser.open(url, DESKTOP)
    await page.evaluate(`(() => { const s = document.createElement('script'); s.textContent = 'window.intruded = true'; document.body.append(s);
      const i = new Image(); i.src = 'http://127.0.0.1:9/picture.png'; document.body.append(i); })()`)
    expect(await page.evaluate('window.intruded === undefined')).toBe(true)
    expect(page.complaints.join()).toContain('Content Security Policy')
  })

  it('never scrolls sideways on a phone; tables do, in their own box', async () => {
    const page = await browser.open(url, PHONE)
    await page.evaluate('document.querySelectorAll("details").forEach((one) => { one.open = true })')
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(PHONE.widthPixels)
    expect(await page.evaluate('[...document.querySelectorAll(".scroll")].some((box) => box.scrollWidth > box.clientWidth)')).toBe(true)
  })

  it('is used from the keyboard: skip link, theme, links, tabs', async () => {
    const page = await browser.open(url, DESKTOP)
    await page.press('Tab')
    expect(await focused(page)).toBe('Skip to the results')
    await page.press('Tab')
    expect(await focused(page)).toBe('Dark theme')
    const light = await background(page)
    await page.press('Enter')
    expect(await background(page)).not.toBe(light)
    expect(await page.evaluate('document.getElementById("theme").getAttribute("aria-pressed")')).toBe('true')
    await page.evaluate('document.querySelector(\'[role="tab"]\').focus()')
    await page.press('ArrowRight')
    expect(await focused(page)).toContain('Writer level')
    const shown = '[...document.querySelector(".tabs").querySelectorAll("[role=tabpanel]")].map((panel) => panel.hidden)'
    expect(await page.evaluate(shown)).toEqual([true, false])
    await page.press('Home')
    expect(await page.evaluate(shown)).toEqual([false, true])
  })

  it('follows the system’s theme until the reader chooses', async () => {
    const [light, dark] = [await browser.open(url, DESKTOP), await browser.open(url, { ...DESKTOP, dark: true })]
    // The keyboard test has chosen in this profile: a file keeps no choice that another reader sees.
    for (const page of [light, dark]) await page.evaluate('localStorage.clear(); delete document.documentElement.dataset.theme')
    expect(await background(light)).toBe('rgb(243, 244, 246)')
    expect(await background(dark)).toBe('rgb(16, 19, 22)')
  })

  it('shows every panel and hides the controls without scripts', async () => {
    const page = await browser.open(url, { ...DESKTOP, scripts: false })
    expect(await page.evaluate('[...document.querySelectorAll("[role=tabpanel]")].every((panel) => panel.offsetHeight > 0)')).toBe(true)
    expect(await page.evaluate('document.getElementById("theme").offsetHeight')).toBe(0)
  })

  it('names every picture and has its data in a table', async () => {
    const page = await browser.open(url, DESKTOP)
    expect(await page.evaluate('[...document.querySelectorAll("svg.plot")].filter((svg) => !svg.getAttribute("aria-label")).length')).toBe(
      0,
    )
    expect(
      await page.evaluate(
        '[...document.querySelectorAll(".picture")].filter((one) => one.querySelector("details tbody tr") === null).length',
      ),
    ).toBe(0)
    expect(
      await page.evaluate(
        'document.querySelectorAll("[id]").length === new Set([...document.querySelectorAll("[id]")].map((one) => one.id)).size',
      ),
    ).toBe(true)
  })

  it('leaves its pictures where somebody can look at them', async () => {
    expect((await stat(join(folder, 'phone-dark-bars.png'))).size).toBeGreaterThan(LEAST_PICTURE_BYTES)
  })
})
