// `pnpm check`: formatting and lint (Biome, clang-format), types (prepare-build has compiled; here those of the tests), the links of the
// documents, and the house rules (tidy).
//   --fix   lets Biome and clang-format mend what they can
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { ensureSystem } from './ensure-system.mjs'
import { deadLinks } from './links.mjs'
import { tidy, trackedFiles } from './tidy.mjs'

ensureSystem(['check'])
const root = resolve(import.meta.dirname, '..')
const fix = process.argv.includes('--fix')
const biome = join(dirname(createRequire(import.meta.url).resolve('@biomejs/biome/package.json')), 'bin', 'biome')
// kernel/ follows the kernel's own style, which checkpatch looks at.
const native = trackedFiles(root).filter((path) => /^packages\/.*\.(c|cc|h)$/.test(path))

const steps = [
  ['Biome', process.execPath, [biome, 'check', ...(fix ? ['--write'] : []), '--error-on-warnings', '.']],
  ['types of the tests', process.execPath, [createRequire(import.meta.url).resolve('typescript/lib/tsc.js'), '-p', 'tsconfig.tests.json']],
  ['clang-format', 'clang-format', [...(fix ? ['-i'] : ['--dry-run', '--Werror']), ...native]],
]
let failed = false
for (const [name, command, args] of steps) {
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  console.log(`${status === 0 ? 'ok    ' : 'FAILED'} ${name}`)
  if (status !== 0) failed = true
}
const documents = trackedFiles(root).filter((path) => path.endsWith('.md') && existsSync(join(root, path)))
for (const [name, findings] of [
  ['links', deadLinks(root, documents)],
  ['tidy', tidy(root)],
]) {
  for (const finding of findings) console.log(finding)
  console.log(`${findings.length === 0 ? 'ok    ' : 'FAILED'} ${name}`)
  if (findings.length > 0) failed = true
}
process.exit(failed ? 1 : 0)
