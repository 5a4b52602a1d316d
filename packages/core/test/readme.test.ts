import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ERROR_CODES } from '../src/index.js'

const ROOT = resolve(import.meta.dirname, '../../..')
/** Commands that pnpm has itself and prefers to a script of that name (pnpm help -a). */
const PNPM_OWN = [
  'add audit bin config create dedupe deploy dlx doctor env exec fetch import init install licenses link list outdated pack patch prune',
  'publish rebuild remove root run server setup store unlink update why',
].flatMap((names) => names.split(' '))

it('README lists every error code, with its meaning, and no other', () => {
  const readme = readFileSync(resolve(ROOT, 'README.md'), 'utf8')
  const listed = [...readme.matchAll(/^\| `(ERR_ZC_\w+)` +\| (.+?) +\|$/gm)].map(([, code, meaning]) => [code, meaning])
  expect(Object.fromEntries(listed)).toEqual(ERROR_CODES)
})

describe.each(['README.md', 'CONTRIBUTING.md', 'vm/README.md', 'kernel/README.md'])('the commands of %s', (page) => {
  it('are scripts of this repository', () => {
    const { scripts } = JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
    const named = readFileSync(resolve(ROOT, page), 'utf8').matchAll(/npx -y pnpm@10 ([\w:-]+)/g)
    for (const [, name] of named) {
      expect(Object.keys(scripts)).toContain(name)
      expect(PNPM_OWN).not.toContain(name)
    }
  })
})
