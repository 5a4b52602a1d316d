import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { ERROR_CODES } from '../src/index.js'

it('README lists every error code, with its meaning, and no other', () => {
  const readme = readFileSync(resolve(import.meta.dirname, '../../../README.md'), 'utf8')
  const listed = [...readme.matchAll(/^\| `(ERR_ZC_\w+)` +\| (.+?) +\|$/gm)].map(([, code, meaning]) => [code, meaning])
  expect(Object.fromEntries(listed)).toEqual(ERROR_CODES)
})
