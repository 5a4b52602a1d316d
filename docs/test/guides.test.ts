import { execFile, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { doctorProbes } from '../../packages/sendzc/src/doctor.js'
import { codeBlocks, dockerInstructions } from '../../scripts/code-blocks.mjs'

interface CodeBlock {
  page: string
  line: number
  language: string
  flags: readonly string[]
  text: string
}

const ROOT = resolve(import.meta.dirname, '../..')
/** Programs find `sendzc` from here, as a user's do. */
const CACHE = join(ROOT, 'examples/node_modules/.cache')
const GUIDES = join(ROOT, 'docs/guides')
const RUN_MS = 20_000

const run = promisify(execFile)
const guide = (name: string): string => readFileSync(join(GUIDES, name), 'utf8')
const readme: CodeBlock[] = codeBlocks('README.md', readFileSync(join(ROOT, 'README.md'), 'utf8'))
const guides: CodeBlock[] = readdirSync(GUIDES).flatMap((page) => codeBlocks(`guides-${page}`, guide(page)))
/** README's example is run by test:packages. */
const blocks = [...guides, ...readme.filter(({ language }) => language === 'js')]
const ofLanguage = (...languages: string[]): CodeBlock[] => blocks.filter(({ language }) => languages.includes(language))
const nameOf = ({ page, line }: CodeBlock): string => `${page} line ${line}`

let folder: string
beforeAll(() => {
  mkdirSync(CACHE, { recursive: true })
  folder = mkdtempSync(join(CACHE, 'guides-'))
  for (const block of ofLanguage('js')) writeFileSync(fileOf(block), block.text)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const fileOf = ({ page, line }: CodeBlock): string => join(folder, `${page.replace('.md', '')}-${line}.mjs`)

it('every block of the guides is of a language that is looked at', () => {
  expect(blocks.length).toBeGreaterThan(20)
  const known = ['js', 'json', 'sh', 'docker']
  expect(blocks.filter(({ language }) => !known.includes(language)).map(nameOf)).toEqual([])
})

it('every fragment and every program has the types of the packages', () => {
  const files = ofLanguage('js').map(fileOf)
  const globals = join(folder, 'fragments.d.ts')
  writeFileSync(globals, readFileSync(join(import.meta.dirname, 'fragments.d.ts'), 'utf8'))
  const program = ts.createProgram([...files, globals], {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    // The JavaScript of a page has no annotations, and a `catch` no type; the rest of strict holds.
    strict: true,
    noImplicitAny: false,
    useUnknownInCatchVariables: false,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    moduleDetection: ts.ModuleDetectionKind.Force,
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  })
  const found = ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file === undefined ? 0 : file.getLineAndCharacterOfPosition(start).line
    const code = file?.text.split('\n')[line] ?? ''
    return { where: `${file?.fileName.split('/').at(-1)}:${line + 1}`, code, what: ts.flattenDiagnosticMessageText(messageText, ' ') }
  })
  // A TCP server that listens has an AddressInfo: the programs know it, the types don't.
  expect(found.filter(({ code }) => !code.includes('server.address().port'))).toEqual([])
})

describe('the programs run to their end', () => {
  const programs = ofLanguage('js').filter(({ flags }) => flags.includes('run'))

  it.each(programs.map((block) => [nameOf(block), block] as const))('%s', async (_name, block) => {
    const { stdout } = await run(process.execPath, [fileOf(block)], { timeout: RUN_MS })
    expect(stdout).toMatch(/received (3 bodies|1,?0\d+)/)
  })
})

it.each(ofLanguage('sh').map((block) => [nameOf(block), block.text]))('%s is a shell script', (_name, text) => {
  const { status, stderr } = spawnSync('sh', ['-n'], { input: text, encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
})

it.each(ofLanguage('json').map((block) => [nameOf(block), block.text]))('%s is JSON', (_name, text) => {
  expect(() => JSON.parse(text)).not.toThrow()
})

describe('containers', () => {
  const [dockerfile] = ofLanguage('docker')
  const instructions: { keyword: string; argument: string }[] = dockerInstructions(dockerfile?.text ?? '')
  const argumentsOf = (wanted: string): string[] => instructions.filter(({ keyword }) => keyword === wanted).map(({ argument }) => argument)

  it('the Dockerfile installs before it copies the program, runs as nobody special, and its commands are a shell', () => {
    expect(instructions.map(({ keyword }) => keyword)).toEqual(['FROM', 'WORKDIR', 'COPY', 'RUN', 'COPY', 'USER', 'CMD'])
    expect(argumentsOf('FROM')[0]).toMatch(/^node:\d+-[\w-]+$/)
    expect(argumentsOf('COPY')[0]).toContain('package-lock.json')
    expect(JSON.parse(argumentsOf('CMD')[0] as string)).toEqual(['node', 'server.mjs'])
    for (const command of argumentsOf('RUN')) expect(spawnSync('sh', ['-n', '-c', command]).status).toBe(0)
  })

  it('a line that is no instruction is refused', () => {
    expect(() => dockerInstructions('FROM node:24\nRUM npm ci\n')).toThrow('RUM npm ci')
  })

  it('the seccomp entry allows the calls that the remedy of uring() names', () => {
    const entry = JSON.parse(ofLanguage('json').find(({ page }) => page === 'guides-containers.md')?.text ?? '{}') as { names: string[] }
    const remedy = readFileSync(join(ROOT, 'packages/uring/src/failures.ts'), 'utf8').match(/Allow (.+?) in the seccomp profile/)?.[1]
    expect(entry.names).toEqual(remedy?.match(/io_uring_\w+/g))
  })
})

it('troubleshooting has every check that doctor makes here', () => {
  const table = guide('troubleshooting.md')
  const checks = doctorProbes().flatMap(({ checks: all }) => all.map(({ name }) => name.replace(/^(SO_ZEROCOPY on) .+$/, '$1 ...')))
  expect(checks.length).toBeGreaterThan(8)
  for (const name of new Set(checks)) expect(table).toMatch(new RegExp(`^\\| .*\`${name.replaceAll('.', '\\.')}\``, 'm'))
})
