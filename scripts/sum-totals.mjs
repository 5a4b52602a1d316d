// Runs commands one after the other, each to its end, and closes with one plain line that sums up their own last lines.
//   node scripts/sum-totals.mjs 'COMMAND' ['COMMAND'...]
// A runner's own `N passed, N failed[, N skipped]` is printed with a mark in front, so that only the sum is plain. One that ends without
// such a line, or with a status that its line does not explain, counts as one failure.
import { spawn } from 'node:child_process'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'

const TOTALS = /^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$/

/** Runs a shell command and returns what its last totals say. */
async function run(command) {
  const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'inherit'], cwd: resolve(import.meta.dirname, '..') })
  const ended = new Promise((resolveEnd) => child.on('close', (status) => resolveEnd(status ?? 1)))
  let totals
  for await (const line of createInterface({ input: child.stdout })) {
    const match = TOTALS.exec(line)
    console.log(match === null ? line : `# ${command}: ${line}`)
    if (match !== null) totals = { passed: Number(match[1]), failed: Number(match[2]), skipped: Number(match[3] ?? 0) }
  }
  const status = await ended
  if (totals === undefined) {
    console.log(`# ${command}: ended with status ${status} and no line that counts`)
    return { passed: 0, failed: 1, skipped: 0 }
  }
  if (status !== 0 && totals.failed === 0) {
    console.log(`# ${command}: ended with status ${status} although no test failed`)
    return { ...totals, failed: 1 }
  }
  return totals
}

const sum = { passed: 0, failed: 0, skipped: 0 }
for (const command of process.argv.slice(2)) {
  const totals = await run(command)
  for (const key of Object.keys(sum)) sum[key] += totals[key]
}
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1)
