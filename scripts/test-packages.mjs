// `pnpm test:packages`: packs what is published, installs it by name from a registry on this machine, and uses it as a user does. Ends with one
// plain line that counts.
//   --all          loads the addons of arm64 and of musl, too, as far as this machine can: with an emulator, and another runtime
//   FILTER...      only checks whose name contains one of them
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureSystem } from './ensure-system.mjs'
import { addonChecks } from './packages/addon-checks.mjs'
import { consumerChecks } from './packages/consumer-checks.mjs'
import { installChecks } from './packages/install-checks.mjs'
import { startLocalRegistry } from './packages/local-registry.mjs'
import { packAll } from './packages/pack.mjs'
import { runtimeChecks } from './packages/runtime-checks.mjs'
import { lintTarball, tarballFindings } from './packages/tarball-checks.mjs'
import { UserEnvironment } from './packages/user-environment.mjs'
import { TARGETS } from './prebuilt/targets.mjs'

const args = process.argv.slice(2)
const all = args.includes('--all')
const filters = args.filter((arg) => !arg.startsWith('--'))
const counts = { passed: 0, failed: 0 }

/** Runs a check unless it is filtered out. What it returns is printed behind its name. */
async function check(name, body) {
  if (filters.length > 0 && !filters.some((filter) => name.includes(filter))) return
  const started = performance.now()
  const took = () => `${((performance.now() - started) / 1000).toFixed(1)} s`
  try {
    const found = await body()
    counts.passed++
    console.log(`ok      ${name}${found === undefined ? '' : `: ${found}`} (${took()})`)
  } catch (error) {
    counts.failed++
    console.log(`FAILED  ${name} (${took()})\n${String(error.message).replaceAll(/^/gm, '        ')}`)
  }
}

function nothingFound(findings) {
  if (findings.length > 0) throw new Error(findings.join('\n'))
}

ensureSystem(['prebuilt'])
const folder = mkdtempSync(join(tmpdir(), 'sendzc-packages-'))
const packages = packAll(folder, TARGETS)
const registry = await startLocalRegistry(packages)
const user = new UserEnvironment(registry.origin)
try {
  for (const one of packages) {
    await check(`tarball of ${one.name}`, () => {
      nothingFound(tarballFindings(one))
      if (one.files.some((file) => file.endsWith('.d.ts'))) lintTarball(one)
      return `${one.files.length} files, ${one.size} bytes packed, ${one.unpackedSize} unpacked`
    })
  }
  await addonChecks({ check, user, packages, nothingFound, all })
  const project = await installChecks({ check, user })
  await consumerChecks({ check, user, project })
  await runtimeChecks({ check, user, project })
} finally {
  await registry.end()
  user.dispose()
  rmSync(folder, { recursive: true, force: true })
}
console.log(`${counts.passed} passed, ${counts.failed} failed`)
process.exit(counts.failed === 0 && counts.passed > 0 ? 0 : 1)
