// Runs Node.js itself, with the addons, under valgrind's memcheck: what reads or writes memory wrongly between JavaScript and the kernel.
// One line for each backend, then one that counts.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

const BACKENDS = ['errqueue', 'uring', 'copy']
/** Some eight times what a run takes. */
const RUN_TIMEOUT_MS = 180_000
// V8's compiler writes code that memcheck would have to throw away and read again: --jitless has none. Leaks are not asked for: what
// Node.js keeps until its end would drown those of an addon, which has tests that count its pins.
const valgrind = ['--quiet', '--error-exitcode=88', '--leak-check=no', `--suppressions=${resolve(import.meta.dirname, 'valgrind.supp')}`]
const node = [process.execPath, '--jitless', '--expose-gc', resolve(import.meta.dirname, 'valgrind-child.mjs')]

let failed = 0
for (const backend of BACKENDS) {
  const started = performance.now()
  const run = spawnSync('valgrind', [...valgrind, ...node, backend], { encoding: 'utf8', timeout: RUN_TIMEOUT_MS })
  const clean = run.status === 0
  const end = run.signal ?? `status ${run.status}`
  const seconds = ((performance.now() - started) / 1_000).toFixed(1)
  console.log(`node --jitless with ${backend} under valgrind: ${clean ? 'no error' : `FAILED (${end})`} in ${seconds} s`)
  if (clean) continue
  failed++
  console.log(run.error?.message ?? `${run.stdout}${run.stderr}`)
}
console.log(`${BACKENDS.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
