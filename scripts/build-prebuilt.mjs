// `pnpm build:prebuilt [TARGET...]`: builds the addons of the packages that carry them, for every target or those named, on one x86-64 machine
// with Debian's packages and npm, and checks what each asks of the machine that loads it.
import { cpSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { ensureSystem } from './ensure-system.mjs'
import { prebuilt } from './prebuilt/build.mjs'
import { inspectAddons } from './prebuilt/inspect.mjs'
import { ADDONS, TARGETS } from './prebuilt/targets.mjs'

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !TARGETS.some((target) => target.name === name))
if (unknown.length > 0) {
  console.error(`There is no target ${unknown.join(', ')}; there are ${TARGETS.map(({ name }) => name).join(', ')}.`)
  process.exit(2)
}
ensureSystem(['prebuilt'])
const out = resolve(import.meta.dirname, '../prebuilds')
let failed = false
process.on('uncaughtException', (error) => {
  console.error(`sendzc: ${error.message}`)
  process.exit(1)
})
for (const target of TARGETS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const built = prebuilt(target)
  const folder = join(out, target.name)
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  cpSync(built, folder, { recursive: true })
  const findings = inspectAddons(target, folder)
  for (const finding of findings) console.error(finding)
  if (findings.length > 0) failed = true
  console.log(`${target.name}: ${ADDONS.map((addon) => `${addon}.node ${statSync(join(folder, `${addon}.node`)).size} bytes`).join(', ')}`)
}
process.exit(failed ? 1 : 0)
