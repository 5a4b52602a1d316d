import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { extname, join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Browser, findChromium } from '../../packages/bench/test/report/browser.js'
import { deadSiteLinks } from '../../scripts/site-links.mjs'

const ROOT = resolve(import.meta.dirname, '../..')
const BUILD_MS = 150_000
const BROWSER_MS = 120_000
const DESKTOP = { widthPixels: 1_280, heightPixels: 900 }
const PHONE = { widthPixels: 360, heightPixels: 740, phone: true }
const hasBrowser = findChromium() !== undefined

const MEDIA_TYPES: Record<string, string> = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript', '.svg': 'image/svg+xml' }

let folder: string
let site: string
let built: { status: number | null; output: string }

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sendzc-site-'))
  // A folder of the caller's keeps the site and its pictures, for somebody to look at.
  site = process.env.SENDZC_SITE ?? join(folder, 'site')
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts/build-site.mjs'), site], {
    encoding: 'utf8',
    timeout: BUILD_MS,
  })
  built = { status, output: stdout + stderr }
}, BUILD_MS)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('the site is built without a warning and without a dead link', () => {
  expect(built).toEqual({ status: 0, output: expect.stringContaining('index.html') })
})

it.each([
  'index.html',
  'guides/getting-started.html',
  'decisions/the-wire.html',
  'errors.html',
  'functions/sendzc.openWriter.html',
  'interfaces/sendzc.WriterOptions.html',
  'interfaces/_sendzc_core_driver.Driver.html',
])('the site has %s', (page) => {
  expect(existsSync(join(site, page))).toBe(true)
})

it('a dead link, and a dead anchor, would be seen', () => {
  const other = mkdtempSync(join(folder, 'dead-'))
  writeFileSync(join(other, 'a.html'), '<p id="here"><a href="a.html#here"></a><a href="a.html#gone"></a><img src="b.svg"></p>')
  expect(deadSiteLinks(other)).toEqual(['a.html: dead link a.html#gone', 'a.html: dead link b.svg'])
})

describe.runIf(hasBrowser)(`the site in a browser${hasBrowser ? '' : ' (needs chromium)'}`, { timeout: BROWSER_MS }, () => {
  let browser: Browser
  let server: Server
  let origin: string
  beforeAll(async () => {
    // As it is published: from files alone a browser loads no icon.
    server = createServer((request, response) => {
      const file = join(site, decodeURIComponent(new URL(request.url ?? '/', 'http://site').pathname))
      if (!existsSync(file)) response.writeHead(request.url === '/favicon.ico' ? 204 : 404).end()
      else response.writeHead(200, { 'Content-Type': MEDIA_TYPES[extname(file)] ?? 'text/plain' }).end(readFileSync(file))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    browser = await Browser.start()
  }, BROWSER_MS)
  afterAll(async () => {
    await browser?.close()
    server.close()
    server.closeAllConnections()
  })

  it.each([
    ['index.html', 'desktop', DESKTOP, 'sendzc'],
    ['guides/http.html', 'dark', { ...DESKTOP, dark: true }, 'HTTP'],
    ['functions/sendzc.openWriter.html', 'phone', PHONE, 'openWriter'],
    ['figures.html', 'phone-dark', { ...PHONE, dark: true }, 'Figures'],
  ])('%s shows its text and pictures without a complaint: %s', async (path, name, viewport, title) => {
    const page = await browser.open(`${origin}/${path}`, viewport)
    expect(page.complaints).toEqual([])
    expect(page.requests.filter((request) => !request.startsWith(origin) && !/^(data|blob):/.test(request))).toEqual([])
    expect(await page.evaluate<string>('document.querySelector("h1").textContent')).toContain(title)
    const broken = '[...document.images].filter((image) => image.complete && image.naturalWidth === 0).map(({ src }) => src)'
    expect(await page.evaluate(broken)).toEqual([])
    // A wide table or line of code scrolls by itself.
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0)
    expect(await page.screenshot(join(process.env.SENDZC_SITE ?? folder, `${name}.png`))).toBeGreaterThan(20_000)
  })

  it('its navigation has every guide and every module', async () => {
    const page = await browser.open(`${origin}/index.html`, DESKTOP)
    // Its script unpacks the list, and is done some time after the page.
    const links = () => page.evaluate<string[]>('[...document.querySelectorAll(".site-menu a")].map((link) => link.textContent.trim())')
    await expect
      .poll(links, { timeout: 10_000 })
      .toEqual(expect.arrayContaining(['Getting started', 'Containers', 'Error codes', 'sendzc', '@sendzc/core/driver']))
  })
})
