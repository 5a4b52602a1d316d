import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { resolveZeroCopyOptions } from '../../packages/core/src/transparent/options.js'
import { parseOptions, writerOptionsSchema } from '../../packages/core/src/writer/options.js'
import { bufferPoolOptionsSchema, errqueueOptionsSchema, inlineOptionsSchema } from '../../packages/sendmsg/src/options.js'
import { AUTO_DEFAULTS, copy, ERROR_CODES, LIMITS } from '../../packages/sendzc/src/index.js'
import { uringOptionsSchema } from '../../packages/uring/src/index.js'
import { trackedFiles } from '../../scripts/tidy.mjs'

const ROOT = resolve(import.meta.dirname, '../..')
/** Commands that pnpm has itself, or hands to npm, and prefers to a script of that name (pnpm help -a). */
const PNPM_OWN = [
  'add audit bin config create dedupe deploy dlx doctor env exec fetch import init install licenses link list outdated pack patch prune',
  'publish rebuild remove root run server setup store unlink update why access adduser bugs deprecate dist-tag docs edit info login logout',
  'owner ping prefix profile pkg repo search set-script show star stars team token unpublish unstar version view whoami',
].flatMap((names) => names.split(' '))
/** As many lines as a reader sees before he leaves. */
const README_LINES = 150

const read = (path: string): string => readFileSync(resolve(ROOT, path), 'utf8')
const documents = (trackedFiles(ROOT) as string[]).filter((path) => path.endsWith('.md'))

it('the page of error codes lists every one, with its meaning, and no other', () => {
  const listed = [...read('docs/errors.md').matchAll(/^\| `(ERR_ZC_\w+)` +\| (.+?) +\|$/gm)].map(([, code, meaning]) => [code, meaning])
  expect(Object.fromEntries(listed)).toEqual(ERROR_CODES)
})

it.each(documents)('the commands of %s are scripts of this repository', (page) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
  for (const [, name] of read(page).matchAll(/npx -y pnpm@10 ([\w:-]+)/g)) {
    expect(Object.keys(scripts)).toContain(name)
    expect(PNPM_OWN).not.toContain(name)
  }
})

describe('README', () => {
  const readme = read('README.md')
  /** Its table of options: by name, default and meaning. */
  const options = new Map([...readme.matchAll(/^\| `(\w+)` +\| (\S+) +\| (.+?) +\|$/gm)].map(([, name, ...cells]) => [name, cells]))
  const shown = (value: unknown): string => (typeof value === 'number' ? value.toLocaleString('en-US') : String(value))

  it('is short, and in its order', () => {
    expect(readme.split('\n').length - 1).toBeLessThanOrEqual(README_LINES)
    const sections = [...readme.matchAll(/^## (.+)$/gm)].map(([, title]) => title)
    expect(sections).toEqual(['Install', 'Example', 'Should I use it?', 'Backends', 'API and options', 'Links'])
  })

  it('has every option of openWriter with its default, and no other', () => {
    const defaults = parseOptions(writerOptionsSchema, {}, 'openWriter')
    const stated = Object.fromEntries([...options].filter(([name]) => name !== 'backend').map(([name, [fallback]]) => [name, fallback]))
    expect(stated).toEqual(Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, shown(value)])))
  })

  it.each(Object.entries(AUTO_DEFAULTS))('says what auto() sets %s to', (name, value) => {
    expect(options.get(name)?.[1]).toContain(`${shown(value)} with \`auto()\``)
  })

  it('says how many messages can be in flight at most', () => {
    expect(options.get('maxInFlight')?.[1]).toContain(`at most ${shown(LIMITS.maxInFlight)}`)
  })

  it('has every option of each backend and of zeroCopy(), and no other', () => {
    const stated = [...readme.matchAll(/^\| `(\w+)\(\{ (\w+)/gm)].map(([, backend, option]) => `${backend} ${option}`)
    const schemas = { errqueue: errqueueOptionsSchema, inline: inlineOptionsSchema, uring: uringOptionsSchema }
    const shared = ['maxInFlight', 'drainTimeoutMs', 'abortGraceMs', 'demoteAfterCopied', 'retryZerocopyEvery', 'writer']
    const transparent = Object.keys(resolveZeroCopyOptions({ backend: copy() })).filter((option) => !shared.includes(option))
    for (const option of shared.slice(0, -1)) expect(readme).toMatch(new RegExp(`zeroCopy. also takes .*.${option}`))
    const known = Object.entries(schemas).flatMap(([backend, schema]) =>
      Object.keys(parseOptions<object>(schema, {}, backend)).map((option) => `${backend} ${option}`),
    )
    // Those that have no default stand in the table of the calls.
    const { bytes: _bytes, count: _count, ...pool } = parseOptions(bufferPoolOptionsSchema, { bytes: 1, count: 1 }, 'bufferPool()')
    known.push(...Object.keys(pool).map((option) => `bufferPool ${option}`))
    expect(stated.filter((option) => option !== 'bufferPool bytes').sort()).toEqual(
      [...known, ...transparent.map((option) => `zeroCopy ${option}`)].sort(),
    )
  })
})

it('the page of the laboratory has every bench command', () => {
  const commands = read('packages/bench/src/bench.ts').match(/const COMMANDS[\s\S]+?\n}\n/)?.[0] ?? ''
  const names = [...commands.matchAll(/^ {2}(\w+): \{/gm)].map(([, name]) => name)
  expect(names.length).toBeGreaterThan(10)
  for (const name of names) expect(read('docs/laboratory.md')).toMatch(new RegExp(`^npx -y pnpm@10 bench ${name}\\b`, 'm'))
})

describe('the decisions', () => {
  const names = readdirSync(resolve(ROOT, 'docs/decisions')).filter((name) => name !== 'README.md')

  it.each(names)('%s has a context, a decision and evidence, and stands in both lists', (name) => {
    const text = read(`docs/decisions/${name}`)
    expect([...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title)).toEqual(['Context', 'Decision', 'Evidence'])
    const title = text.match(/^# (.+)$/m)?.[1]
    expect(read('docs/decisions/README.md')).toContain(`- [${title}](${name})`)
    expect(read('ARCHITECTURE.md')).toContain(`- [${title}](docs/decisions/${name})`)
  })
})

describe('the walk and the map', () => {
  const steps = [...read('docs/walk.md').matchAll(/^\| \d+ +\| `([^`]+)` +\| `([^`]+)`/gm)].map(
    ([, file, name]) => [file, name] as [string, string],
  )

  it('has every layer', () => {
    expect(steps.length).toBeGreaterThan(24)
  })

  it.each(steps)('%s has %s', (file, name) => {
    expect(read(file)).toMatch(new RegExp(`(^|[^\\w#])${name}\\(`, 'm'))
  })

  it.each([
    ['an option of `openWriter`', 'packages/core/src/writer/options.ts', 'writerOptionsSchema'],
    ['the error of a failed send', 'packages/core/src/driver/send-failure.ts', 'Errno.'],
    ['a bench command', 'packages/bench/src/bench.ts', 'const COMMANDS'],
    ['a promise of the conformance suite', 'packages/core/conformance/promises/index.ts', 'writerPromises'],
    ['how often `errqueue` collects', 'packages/sendmsg/native/sender_collect.cc', 'is_due('],
  ])('%s is where the map says', (change, file, text) => {
    const row = read('ARCHITECTURE.md')
      .split('\n')
      .find((line) => line.startsWith(`| ${change}`))
    expect(file.startsWith(row?.match(/`(packages\/[^`]+)`/)?.[1] ?? 'none') || row?.includes(`\`${file}\``)).toBe(true)
    expect(read(file)).toContain(text)
  })
})
