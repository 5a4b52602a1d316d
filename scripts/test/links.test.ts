import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { anchorsOf, deadLinks } from '../links.mjs'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sendzc-links-'))
  mkdirSync(join(root, 'docs'))
  writeFileSync(
    join(root, 'docs/other.md'),
    '# Title\n\n## A `code` heading, twice\n\n## A `code` heading, twice\n\n```\n## no heading\n```\n',
  )
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function findingsOf(text: string): string[] {
  writeFileSync(join(root, 'page.md'), text)
  return deadLinks(root, ['page.md'])
}

it('finds links to files and anchors that are not there', () => {
  const text = '[a](docs/none.md) [b](docs/other.md#no-heading) [c](#nowhere) <img src="docs/none.svg"> `docs/none.ts`'
  expect(findingsOf(text)).toEqual([
    'page.md: dead link docs/none.md',
    'page.md: dead link docs/other.md#no-heading',
    'page.md: dead link #nowhere',
    'page.md: dead link docs/none.svg',
    'page.md: there is no docs/none.ts',
  ])
})

it('lets pass what leads somewhere, other sites, and what stands in code', () => {
  const text =
    '# Here\n[a](docs/other.md#a-code-heading-twice-1) [b](#here) [c](docs) [d](https://example.org/x#y) `[e](none.md)`\n```\n[f](none.md)\n```\n'
  expect(findingsOf(text)).toEqual([])
})

it('knows the anchors of headings as GitHub makes them', () => {
  expect([...anchorsOf('# What: is `x()`?\n## [Link](a.md), and *more*\n')]).toEqual(['what-is-x', 'link-and-more'])
})
