// Runs Node.js itself, with the addons, under valgrind's memcheck, which reports wrong reads and writes of memory between JavaScript and the kernel.
// One line for each backend, then one that counts.
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

const BACKENDS = ['errqueue', 'uring', 'copy']
/** Some eight times the time of a run. */
const RUN_TIMEOUT_MS = 180_000
// V8's compiler writes code that memcheck would have to throw away and read again: --jitless has none. A leak is what nothing points to at
// the end: an environment that ends has freed all that is an addon's, while Node.js keeps much until its own end. What Node.js loses itself
// is none of ours, so leaks are told apart here.
const leaks = ['--leak-check=full', '--show-leak-kinds=definite', '--errors-for-leak-kinds=none']
const valgrind = ['--error-exitcode=88', ...leaks, `--suppressions=${resolve(import.meta.dirname, 'valgrind.supp')}`]
/** A frame of an addon: named by its namespace, or by its file. */
const ADDON_FRAME = /sendzc(::|_\w+\.node\))/

/** The records of memory that was lost by code of an addon, or for it. */
function leaksOfAddons(report) {
  // Records stand between lines that have nothing but the number of the process.
  return report.split(/^==\d+== *$/m).filter((record) => record.includes(' definitely lost in ') && ADDON_FRAME.test(record))
}
const node = [process.execPath, '--jitless', '--expose-gc', resolve(import.meta.dirname, 'valgrind-child.mjs')]

let failed = 0
for (const backend of BACKENDS) {
  const started = performance.now()
  const run = spawnSync('valgrind', [...valgrind, ...node, backend], { encoding: 'utf8', timeout: RUN_TIMEOUT_MS })
  const lost = leaksOfAddons(run.stderr)
  // Without a summary memcheck has checked no memory.
  const clean = run.status === 0 && lost.length === 0 && run.stderr.includes('LEAK SUMMARY')
  const end = run.signal ?? (run.status === 0 ? `${lost.length} leaks` : `status ${run.status}`)
  const seconds = ((performance.now() - started) / 1_000).toFixed(1)
  console.log(`node --jitless with ${backend} under valgrind: ${clean ? 'no error, no leak' : `FAILED (${end})`} in ${seconds} s`)
  if (clean) continue
  failed++
  console.log(run.error?.message ?? (run.status === 0 && lost.length > 0 ? lost.join('') : `${run.stdout}${run.stderr}`))
}
console.log(`${BACKENDS.length - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
