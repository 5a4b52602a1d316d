// `pnpm test:strangers`: real servers and clients that know nothing of the library (express, fastify, ws, undici, autocannon, curl), the servers started with
// `--import sendzc/register`, per backend. They are installed into a folder that is removed. Ends with one plain line that counts.
//   --backends A,B   of auto, uring, errqueue, inline, copy; default auto,uring,errqueue
//   FILTER...        only checks whose name contains one of them
import { execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { clientChecks } from './strangers/checks.mjs'

const STRANGERS = ['express', 'fastify', 'ws', 'undici@6', 'autocannon']
/** How long a load generator runs, in s. */
const LOAD_S = 2
/** Tries after the first to fetch each package. */
const FETCH_RETRIES = 5

const root = resolve(import.meta.dirname, '..')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { backends: { type: 'string', default: 'auto,uring,errqueue' } },
})
const fileOf = (path) => pathToFileURL(join(root, path)).href
const folder = mkdtempSync(join(tmpdir(), 'sendzc-strangers-'))
const counts = { passed: 0, failed: 0 }

async function runBackend(backend, require) {
  const server = fork(join(root, 'scripts/strangers/server.mjs'), [folder, fileOf('packages/core/dist/src/entries/index.js')], {
    execArgv: ['--import', fileOf('packages/sendzc/dist/register.js')],
    // Loopback copies: giving up would leave nothing to test, but for auto, which is as a user has it.
    env: { ...process.env, SENDZC_BACKEND: backend, ...(backend !== 'auto' && { SENDZC_DEMOTE_AFTER_COPIED: '0' }) },
  })
  try {
    const [ports] = await once(server, 'message')
    for (const [name, check] of Object.entries(clientChecks(ports, require, LOAD_S))) {
      if (positionals.length > 0 && !positionals.some((filter) => name.includes(filter))) continue
      try {
        const found = await check()
        counts.passed++
        console.log(`ok      ${backend}: ${name}${found === undefined ? '' : `: ${found}`}`)
      } catch (error) {
        counts.failed++
        console.log(`FAILED  ${backend}: ${name}\n${String(error.stack).replaceAll(/^/gm, '        ')}`)
      }
    }
    server.send('end')
    const [{ sharedWrites, left, ownPath, pinnedBytes }] = await once(server, 'message')
    console.log(`sendzc: ${backend} shared ${sharedWrites} writes; ${JSON.stringify({ ownPath, left, pinnedBytes })}`)
    if (sharedWrites === 0) counts.failed++
  } finally {
    server.kill()
  }
}

try {
  writeFileSync(join(folder, 'package.json'), '{ "private": true }')
  const retries = `--fetch-retries=${FETCH_RETRIES}`
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', retries, ...STRANGERS], { cwd: folder, stdio: 'inherit' })
  const require = createRequire(join(folder, 'package.json'))
  for (const backend of values.backends.split(',')) await runBackend(backend, require)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${counts.passed} passed, ${counts.failed} failed`)
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1)
