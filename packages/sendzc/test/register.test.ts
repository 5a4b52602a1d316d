import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const CHILD_TEST_MS = 60_000
const run = promisify(execFile)
const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

interface End {
  sharedWrites: number
  received: number
  left: object
  warnings: string[]
}

/** Runs a program that knows nothing of the library. */
async function registered(task: string, env: NodeJS.ProcessEnv = {}): Promise<End & { stderr: string }> {
  const flags = [
    '--conditions=@sendzc/source',
    '--import',
    import.meta.resolve('tsx'),
    '--import',
    new URL('../src/register.ts', import.meta.url).href,
  ]
  const { stdout, stderr } = await run(process.execPath, [...flags, fileOf('./children/registered-program.ts'), task], {
    env: { ...process.env, SENDZC_DEMOTE_AFTER_COPIED: '0', ...env },
    timeout: CHILD_TEST_MS,
  })
  return { ...(JSON.parse(stdout) as End), stderr }
}

describe('node --import sendzc/register', () => {
  it.each([
    ['an HTTP server', 'http', 1],
    ['a client', 'client', 1],
    ['a client that writes, and ends later', 'client that writes', 1],
    ['new net.Socket().connect()', 'socket that connects', 1],
    ['a socket that connects for the second time', 'socket that connects again', 1],
    ['a TLS server, which is left alone', 'tls', 0],
    ['an HTTP/2 server, which is left alone', 'http2', 0],
  ])(
    '%s',
    async (_what, task, sharedWrites) => {
      const end = await registered(task)
      expect(end).toMatchObject({ sharedWrites, received: 300_000, warnings: [] })
      expect(Object.keys(end.left)).toEqual(sharedWrites === 0 ? ['ERR_ZC_UNSUPPORTED_SOCKET'] : [])
    },
    CHILD_TEST_MS,
  )

  it(
    'says with NODE_DEBUG what it does',
    async () => {
      expect((await registered('http', { NODE_DEBUG: 'sendzc' })).stderr).toMatch(/SENDZC .* shares memory through/)
    },
    CHILD_TEST_MS,
  )

  it(
    'changes nothing where the environment asks for what there is not, and warns',
    async () => {
      for (const env of [{ SENDZC_BACKEND: 'none' }, { SENDZC_MIN_SHARED_BYTES: '0' }, { SENDZC_MIN_SHARED_BYTES: 'many' }]) {
        const end = await registered('http', env)
        expect(end).toMatchObject({ sharedWrites: 0, received: 300_000 })
        expect(end.stderr).toContain('sendzc/register changes nothing')
      }
    },
    CHILD_TEST_MS,
  )

  it(
    'gives up, with every socket of the process, on a way where the kernel copies',
    async () => {
      const { sharedWrites, received } = await registered('many', { SENDZC_DEMOTE_AFTER_COPIED: '4', SENDZC_BACKEND: 'errqueue' })
      expect([sharedWrites, received]).toEqual([4, 20 * 300_000])
    },
    CHILD_TEST_MS,
  )
})
