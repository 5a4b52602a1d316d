import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'

/** How long the browser may take to answer one command, in ms; its start is the slowest. */
const COMMAND_TIMEOUT_MS = 60_000

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
  '--hide-scrollbars',
  '--remote-debugging-pipe',
]

/** How a page is looked at. */
export interface Viewport {
  widthPixels: number
  heightPixels: number
  dark?: boolean
  phone?: boolean
  /** False: as a reader without scripts sees it. */
  scripts?: boolean
}

interface Message {
  id?: number
  method?: string
  params?: Record<string, unknown>
  result?: Record<string, unknown>
  error?: { message: string }
  sessionId?: string
}

/** Path of the browser; undefined where there is none. */
export function findChromium(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders
    .flatMap((folder) => [join(folder, 'chromium'), join(folder, 'chromium-browser')])
    .find((path) => {
      try {
        accessSync(path, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/**
 * Waits for something, {@link COMMAND_TIMEOUT_MS} at most.
 * @param begin - begins it and returns what ends the listening
 */
function bounded<T>(what: string, begin: (resolve: (value: T) => void) => () => unknown): Promise<T> {
  let stop: () => unknown = () => undefined
  let timer: NodeJS.Timeout | undefined
  return new Promise<T>((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing in ${COMMAND_TIMEOUT_MS} ms`)), COMMAND_TIMEOUT_MS)
    stop = begin(resolve)
  }).finally(() => {
    clearTimeout(timer)
    stop()
  })
}

/** A real browser without a window, spoken to over two pipes in the Chrome DevTools Protocol. */
export class Browser {
  readonly #child: ChildProcess
  readonly #profile: string
  readonly #answers = new Map<number, (message: Message) => void>()
  readonly #listeners = new Set<(message: Message) => void>()
  #nextId = 1
  #unread = ''

  private constructor(child: ChildProcess, profile: string) {
    this.#child = child
    this.#profile = profile
    const output = child.stdio[4] as Readable
    output.setEncoding('utf8')
    output.on('data', (text: string) => this.#read(text))
  }

  /** Starts one with a fresh profile. */
  static async start(): Promise<Browser> {
    const path = findChromium()
    if (path === undefined) throw new Error('There is no chromium.')
    const profile = await mkdtemp(join(tmpdir(), 'report-browser-'))
    const child = spawn(path, [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    })
    return new Browser(child, profile)
  }

  #read(text: string): void {
    const parts = (this.#unread + text).split('\0')
    this.#unread = parts.pop() ?? ''
    for (const part of parts) {
      const message = JSON.parse(part) as Message
      if (message.id === undefined) for (const listener of this.#listeners) listener(message)
      else this.#answers.get(message.id)?.(message)
    }
  }

  /** Sends one command and waits for its answer. */
  async send(method: string, params: Record<string, unknown> = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = this.#nextId++
    const input = this.#child.stdio[3] as Writable
    const answer = await bounded<Message>(method, (resolve) => {
      this.#answers.set(id, resolve)
      input.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`)
      return () => this.#answers.delete(id)
    })
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`)
    return answer.result ?? {}
  }

  /** Waits for an event of a session. */
  event(method: string, sessionId: string): Promise<Message> {
    return bounded<Message>(method, (resolve) =>
      this.listen((message) => {
        if (message.method === method && message.sessionId === sessionId) resolve(message)
      }),
    )
  }

  /** Hears every event until the returned function is called. */
  listen(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Opens a file and waits until it has loaded. */
  async open(url: string, viewport: Viewport): Promise<Page> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' })
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true })
    const page = new Page(this, sessionId as string)
    await page.load(url, viewport)
    return page
  }

  /** Ends the process and removes its profile. */
  async close(): Promise<void> {
    const ended = once(this.#child, 'exit')
    await this.send('Browser.close').catch(() => this.#child.kill('SIGKILL'))
    await ended
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** One open page, with what went wrong in it. */
export class Page {
  /** Errors and warnings of the console, of scripts and of the policy. */
  readonly complaints: string[] = []
  /** Everything that the page asked for. */
  readonly requests: string[] = []
  readonly #browser: Browser
  readonly #session: string

  constructor(browser: Browser, session: string) {
    this.#browser = browser
    this.#session = session
    browser.listen((message) => this.#note(message))
  }

  #note({ method, params = {}, sessionId }: Message): void {
    if (sessionId !== this.#session) return
    if (method === 'Network.requestWillBeSent') this.requests.push((params.request as { url: string }).url)
    if (method === 'Runtime.exceptionThrown' || method === 'Runtime.consoleAPICalled') this.complaints.push(JSON.stringify(params))
    if (method === 'Log.entryAdded') this.complaints.push((params.entry as { text: string }).text)
  }

  #send(method: string, params: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    return this.#browser.send(method, params, this.#session)
  }

  /** Loads a page. */
  async load(url: string, viewport: Viewport): Promise<void> {
    for (const domain of ['Page', 'Network', 'Runtime', 'Log']) await this.#send(`${domain}.enable`)
    await this.#send('Emulation.setDeviceMetricsOverride', {
      width: viewport.widthPixels,
      height: viewport.heightPixels,
      deviceScaleFactor: viewport.phone === true ? 2 : 1,
      mobile: viewport.phone === true,
    })
    await this.#send('Emulation.setEmulatedMedia', {
      features: [{ name: 'prefers-color-scheme', value: viewport.dark === true ? 'dark' : 'light' }],
    })
    if (viewport.scripts === false) await this.#send('Emulation.setScriptExecutionDisabled', { value: true })
    const loaded = this.#browser.event('Page.loadEventFired', this.#session)
    await this.#send('Page.navigate', { url })
    await loaded
  }

  /** The value of an expression in the page. */
  async evaluate<T>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.#send('Runtime.evaluate', { expression, returnByValue: true })
    if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails))
    return (result as { value: T }).value
  }

  /** Presses and lets go of a key. */
  async press(key: 'Tab' | 'Enter' | 'ArrowRight' | 'ArrowLeft' | 'Home' | 'End' | 'Space'): Promise<void> {
    const codes = { Tab: 9, Enter: 13, ArrowRight: 39, ArrowLeft: 37, Home: 36, End: 35, Space: 32 }
    const text = { Enter: '\r', Space: ' ' }[key as string]
    const common = { key: key === 'Space' ? ' ' : key, code: key, windowsVirtualKeyCode: codes[key] }
    await this.#send('Input.dispatchKeyEvent', { type: 'keyDown', ...common, ...(text === undefined ? {} : { text }) })
    await this.#send('Input.dispatchKeyEvent', { type: 'keyUp', ...common })
  }

  /**
   * Writes what is seen as a PNG.
   * @param selector - of the element to show; the top of the page without one
   */
  async screenshot(path: string, selector?: string): Promise<number> {
    const clip =
      selector === undefined
        ? {}
        : await this.evaluate<object>(
            `(() => { const r = document.querySelector(${JSON.stringify(selector)}).getBoundingClientRect();
              return { x: r.x + scrollX, y: r.y + scrollY, width: r.width, height: r.height, scale: 1 } })()`,
          ).then((rectangle) => ({ clip: rectangle, captureBeyondViewport: true }))
    const { data } = await this.#send('Page.captureScreenshot', { format: 'png', ...clip })
    const bytes = Buffer.from(data as string, 'base64')
    await writeFile(path, bytes)
    return bytes.length
  }
}
