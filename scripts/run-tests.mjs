// Runs vitest (with the arguments given) and ends with one plain line that counts, taken from vitest's own report.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { ensureSystem } from './ensure-system.mjs'

ensureSystem(['test'])
const folder = mkdtempSync(join(tmpdir(), 'sendzc-test-'))
const report = join(folder, 'report.json')
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const run = spawnSync(
  process.execPath,
  [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)],
  {
    cwd: resolve(import.meta.dirname, '..'),
    stdio: 'inherit',
  },
)
let status = run.status ?? 1
try {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(readFileSync(report, 'utf8'))
  const skipped = numPendingTests + numTodoTests
  // A file that fails outside of any test counts as one failure, or it would not be seen in the line below.
  const brokenFiles = testResults.filter(
    ({ status: state, assertionResults }) => state === 'failed' && assertionResults.every(({ status: each }) => each !== 'failed'),
  ).length
  for (const { assertionResults } of testResults) {
    for (const { status: state, fullName } of assertionResults)
      if (state === 'pending' || state === 'skipped' || state === 'todo') console.log(`skipped: ${fullName}`)
  }
  // A worker that died, of a sanitizer's finding for example, is in no test's result.
  const failed = Math.max(numFailedTests + brokenFiles, status === 0 ? 0 : 1)
  console.log(`${numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  if (failed > 0 && status === 0) status = 1
} catch (error) {
  console.error(`no test report: ${error.message}`)
  status ||= 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(status)
