// Runs the conformance suite and the native tests with the addons under AddressSanitizer and UndefinedBehaviorSanitizer.
// Node.js itself is not instrumented, so leak detection is off; tests of their own count the leaks of the addons.
import { execFileSync, spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { addonNames, buildAddon } from './build-addon.mjs'
import { ensureSystem } from './ensure-system.mjs'

ensureSystem(['build', 'test'])
const preload = ['libasan.so', 'libubsan.so'].map((name) => execFileSync('g++', [`-print-file-name=${name}`], { encoding: 'utf8' }).trim())
const environment = {
  ...process.env,
  SENDZC_SANITIZED: '1',
  SENDZC_PRELOAD: preload.join(':'),
  LD_PRELOAD: preload.join(':'),
  ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1:abort_on_error=0:exitcode=86:handle_segv=0:strict_init_order=1',
  UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1:exitcode=87',
}
for (const name of addonNames) {
  // node-gyp-build looks here before it looks into the package.
  environment[`@SENDZC/${name.toUpperCase()}_PREBUILD`] = await buildAddon(name, { sanitize: true })
}
const defaultFilters = [
  'sendmsg/test/conformance',
  'sendmsg/test/native',
  'uring/test/native',
  'uring/test/conformance',
  'uring/test/driver',
]
const filters = process.argv.length > 2 ? process.argv.slice(2) : defaultFilters
const run = spawnSync(process.execPath, [resolve(import.meta.dirname, 'run-tests.mjs'), '--testTimeout=120000', ...filters], {
  cwd: resolve(import.meta.dirname, '..'),
  env: environment,
  stdio: 'inherit',
})
process.exit(run.status ?? 1)
