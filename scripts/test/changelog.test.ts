import { expect, it } from 'vitest'
import { changelogWith } from '../packages/changelog.mjs'

/** git as a repository with these tags would answer. */
const git =
  (tags: string) =>
  (command: string, ...args: string[]): string => {
    if (command === 'tag') return tags
    if (args.includes('--format=%cs')) return '2026-12-01'
    return args.at(-1) === 'HEAD' ? 'Begin\nGo on' : `Since ${args.at(-1)}`
  }

it('the first version has no list of changes', () => {
  const { text, section } = changelogWith('', '0.1.0', git(''))
  expect(section).toBe('## 0.1.0 (2026-12-01)\n\nThe first release.\n')
  expect(text).toMatch(/^# Changelog\n[\s\S]+ERR_ZC_\*[\s\S]+## 0\.1\.0/)
})

it('a later one lists its commits, and stands before the earlier ones; written twice, it stands there once', () => {
  const { text: first } = changelogWith('', '0.1.0', git(''))
  const { text: second, section } = changelogWith(first, '0.2.0', git('v0.1.0'))
  expect(section).toBe('## 0.2.0 (2026-12-01)\n\n- Since v0.1.0..HEAD\n')
  expect(second.match(/^## \S+/gm)).toEqual(['## 0.2.0', '## 0.1.0'])
  expect(changelogWith(second, '0.2.0', git('v0.1.0')).text).toBe(second)
})
