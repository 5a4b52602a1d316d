// `pnpm test:lines [LINE...]`: the whole suite on other lines of Node.js than the one that runs this, fetched from npm: those named, or one of
// them by turns, by the commit. Ends with one plain line that counts.
import { execFileSync, spawnSync } from 'node:child_process'
import { delimiter, dirname, join, resolve } from 'node:path'
import { nodeBinary } from './packages/user-environment.mjs'

/** The lines that Node.js maintains, besides the oldest, on which `pnpm test` runs wherever that is what is installed. */
const LINES = [22, 24, 26]
const root = resolve(import.meta.dirname, '..')

/** The line whose turn it is. */
function lineByTurn() {
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: root, encoding: 'utf8' })
  return LINES[Number.parseInt(commit.slice(0, 8), 16) % LINES.length]
}

const named = process.argv.slice(2).map(Number)
const unknown = named.filter((line) => !LINES.includes(line))
if (unknown.length > 0) {
  console.error(`There is no line ${unknown.join(', ')} here; there are ${LINES.join(', ')}.`)
  process.exit(2)
}
if (named.length > 1) {
  const commands = named.map((line) => `${process.execPath} scripts/test-lines.mjs ${line}`)
  process.exit(
    spawnSync(process.execPath, [join(root, 'scripts/sum-totals.mjs'), ...commands], { cwd: root, stdio: 'inherit' }).status ?? 1,
  )
}
const [line = lineByTurn()] = named
const node = nodeBinary(line)
const version = execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()
console.log(`== the suite on Node.js ${version}`)
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` }
process.exit(spawnSync(node, [join(root, 'scripts/run-tests.mjs')], { cwd: root, env, stdio: 'inherit' }).status ?? 1)
