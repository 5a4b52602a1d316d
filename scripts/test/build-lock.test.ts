import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { withBuildLock } from '../build-lock.mjs'

let folder = ''
let lock = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sendzc-lock-'))
  lock = join(folder, 'made', 'one.lock')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('a second build waits for the first, says so once, and begins when the first ends', async () => {
  const events: string[] = []
  let end: () => void = () => undefined
  const mayEnd = new Promise<void>((resolve) => {
    end = resolve
  })
  let begun: () => void = () => undefined
  const hasBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  const first = withBuildLock(lock, 'the addon', async () => {
    begun()
    await mayEnd
    events.push('first ends')
  })
  await hasBegun
  const second = withBuildLock(lock, 'the addon', async () => events.push('second begins'), {
    say: (line) => {
      events.push(line)
      end()
    },
  })
  await Promise.all([first, second])
  expect(events).toEqual(['sendzc: another process builds the addon; waiting for it, up to 600 s', 'first ends', 'second begins'])
})

it('the wait is bounded, and its error names the remedy; a failed build frees the lock', async () => {
  const said: string[] = []
  const build = withBuildLock(lock, 'the addon', async () => {
    const late = withBuildLock(lock, 'the addon', async () => undefined, { maxWaitMs: 300, say: (line) => said.push(line) })
    await expect(late).rejects.toThrow(
      `Another process has been building the addon for 0.3 s. Wait for its end, or end it (fuser ${lock}).`,
    )
    throw new Error('no compiler')
  })
  await expect(build).rejects.toThrow('no compiler')
  expect(said).toHaveLength(1)
  expect(await withBuildLock(lock, 'the addon', async () => 'built', { say: (line) => said.push(line) })).toBe('built')
  expect(said).toHaveLength(1)
})

it('a build that is killed leaves no lock', async () => {
  const program = join(folder, 'holds.mjs')
  const module = fileURLToPath(new URL('../build-lock.mjs', import.meta.url))
  writeFileSync(
    program,
    `import { withBuildLock } from ${JSON.stringify(module)}
await withBuildLock(process.argv[2], 'the addon', () => new Promise(() => process.send('held')))`,
  )
  const child = fork(program, [lock])
  await once(child, 'message')
  child.kill('SIGKILL')
  expect(await withBuildLock(lock, 'the addon', async () => existsSync(lock), { maxWaitMs: 10_000, say: () => undefined })).toBe(true)
})
