// Prepares every command: the system's packages, the addons, the compiled TypeScript. Builds only changed parts.
import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { addonNames, buildAddon } from './build-addon.mjs'
import { ensureSystem } from './ensure-system.mjs'

if (process.platform !== 'linux') {
  console.error(
    'sendzc: the backends need Linux: MSG_ZEROCOPY and io_uring are interfaces of its kernel. (@sendzc/core alone imports anywhere.)',
  )
  process.exit(1)
}
ensureSystem(['build'])
try {
  await Promise.all(addonNames.map((name) => buildAddon(name)))
} catch (error) {
  console.error(`sendzc: ${error.message}`)
  process.exit(1)
}
const tsc = createRequire(import.meta.url).resolve('typescript/lib/tsc.js')
const compiled = spawnSync(process.execPath, [tsc, '-b'], { cwd: resolve(import.meta.dirname, '..'), stdio: 'inherit' })
process.exitCode = compiled.status ?? 1
