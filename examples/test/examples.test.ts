import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { EXPECTED_OUTPUT, FLAGS } from './expected-output.mjs'

const folder = resolve(import.meta.dirname, '..')
const run = promisify(execFile)
/** Time, in ms, that an example has: a thousand connections that share a busy machine with other tests need most of it. */
const RUN_MS = 90_000

describe('examples', () => {
  const names = readdirSync(folder).filter((name) => name.endsWith('.mjs'))

  it('are all expected to print something', () => {
    expect(names.sort()).toEqual(Object.keys(EXPECTED_OUTPUT).sort())
  })

  for (const name of names) {
    it(
      `${name} runs to its end`,
      async () => {
        const { stdout } = await run(process.execPath, [...(FLAGS[name] ?? []), join(folder, name)], { timeout: RUN_MS, cwd: folder })
        expect(stdout).toMatch(EXPECTED_OUTPUT[name] as RegExp)
      },
      RUN_MS,
    )
  }
})
