import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'

const script = resolve(import.meta.dirname, '../sum-totals.mjs')

/** Plain totals among the lines printed, and the exit status. */
function sumOf(...commands: string[]) {
  const { stdout, status } = spawnSync(process.execPath, [script, ...commands], { encoding: 'utf8' })
  const lines = stdout.trimEnd().split('\n')
  return { plain: lines.filter((line) => /^\d+ passed, /.test(line)), last: lines.at(-1), status }
}

describe('sum-totals', () => {
  it('adds up the last line of each command, and prints one plain line, the last one', () => {
    const { plain, last, status } = sumOf("echo '1 passed, 0 failed'; echo '5 passed, 0 failed, 2 skipped'", "echo '7 passed, 0 failed'")
    expect(plain).toEqual(['12 passed, 0 failed, 2 skipped'])
    expect(last).toBe(plain[0])
    expect(status).toBe(0)
  })

  it.each([
    ['a failed test', "echo '1 passed, 1 failed'; exit 1", '3 passed, 1 failed, 0 skipped'],
    ['a command without totals', 'true', '2 passed, 1 failed, 0 skipped'],
    ['a status that no failure explains', "echo '1 passed, 0 failed'; exit 3", '3 passed, 1 failed, 0 skipped'],
  ])('fails for %s, and still runs what follows', (_what, command, expected) => {
    const { plain, status } = sumOf(command, "echo '2 passed, 0 failed'")
    expect(plain).toEqual([expected])
    expect(status).toBe(1)
  })
})
