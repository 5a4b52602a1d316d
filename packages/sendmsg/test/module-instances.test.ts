import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { tcpPairs } from '@sendzc/core/conformance'
import { bounded, content, DriverSession } from '@sendzc/core/fixtures'
import { expect, it, vi } from 'vitest'

type Package = typeof import('../src/index.js')

const BYTES = 20_000
const ROUNDS = 3

/** Sends over a socket of each instance by turns, and has every notification come by the event loop. */
async function expectAllToWork(instances: readonly Package[]): Promise<void> {
  const used = await Promise.all(
    instances.map(async ({ errqueue }) => {
      const pair = await tcpPairs('127.0.0.1')()
      return { pair, session: new DriverSession(errqueue(), pair.fd, 8) }
    }),
  )
  for (let round = 0; round < ROUNDS; round++) {
    for (const { pair, session } of used) {
      const [report] = session.submit([{ segments: [content(BYTES)], zerocopy: true }])
      expect(report?.result).toBe(BYTES)
      await bounded(session.settled(), 'release')
      await pair.peer.read(BYTES)
    }
  }
  for (const { pair, session } of used) {
    expect(session.violations).toEqual([])
    session.driver.close()
    await pair.dispose()
  }
}

it('a registry of modules that is reset: both instances work, by turns', async () => {
  const first: Package = await import('../src/index.js')
  vi.resetModules()
  const second: Package = await import('../src/index.js')
  expect(second.errqueue).not.toBe(first.errqueue)
  await expectAllToWork([first, second])
})

it('a second copy of the compiled package: both instances work, by turns', async () => {
  const folder = dirname(dirname(fileURLToPath(import.meta.url)))
  const copy = mkdtempSync(join(folder, 'dist-again-'))
  try {
    cpSync(join(folder, 'dist'), copy, { recursive: true })
    const load = (path: string) => import(/* @vite-ignore */ pathToFileURL(join(path, 'index.js')).href) as Promise<Package>
    await expectAllToWork([await load(join(folder, 'dist')), await load(copy)])
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
})
