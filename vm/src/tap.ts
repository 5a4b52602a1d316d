/** Outcome of one test program. */
export interface TapOutcome {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** One line for each failure and skip, with its reason. */
  readonly remarks: readonly string[]
}

/** Exit status by which a kernel selftest says that it was skipped. Source: tools/testing/selftests/kselftest.h. */
export const kselftestSkipStatus = 4

/**
 * Counts the results of one program that speaks TAP (version 13 or 14, subtests indented).
 *
 * A program that breaks its own promise is a failure: fewer or more results than the plan says, no result
 * at all, or a non-zero status without a failed test. Only results of the outermost level count, except
 * that nothing counts twice: an indented line explains the outer one that follows it.
 *
 * @param name of the program, for the remarks
 * @param output its standard output
 * @param status its exit status
 */
export function parseTap(name: string, output: string, status: number): TapOutcome {
  let passed = 0
  let failed = 0
  let skipped = 0
  let plan: number | undefined
  const remarks: string[] = []
  for (const line of output.split(/\r?\n/)) {
    const planned = /^1\.\.(\d+)(?:\s*#\s*SKIP\b(.*))?/i.exec(line)
    if (planned !== null) {
      plan = Number(planned[1])
      if (plan === 0) {
        skipped++
        remarks.push(`${name}: skipped:${planned[2] ?? ' no reason given'}`)
      }
      continue
    }
    if (/^Bail out!/.test(line)) {
      failed++
      remarks.push(`${name}: ${line}`)
      continue
    }
    const result = /^(not )?ok\b(.*?)(?:#\s*(SKIP|TODO|XFAIL)\b(.*))?$/i.exec(line)
    if (result === null) continue
    const directive = result[3]?.toUpperCase()
    if (directive === 'SKIP') {
      skipped++
      remarks.push(`${name}: ${line}`)
    } else if (result[1] !== undefined && directive === undefined) {
      failed++
      remarks.push(`${name}: ${line}`)
    } else passed++
  }
  const results = passed + failed + skipped
  if (results === 0 && status === kselftestSkipStatus) {
    return { passed, failed, skipped: 1, remarks: [`${name}: skipped, exit status ${status}`] }
  }
  const complaint = brokenPromise(results, failed, plan, status, skipped)
  if (complaint === undefined) return { passed, failed, skipped, remarks }
  return { passed, failed: failed + 1, skipped, remarks: [...remarks, `${name}: ${complaint}`] }
}

function brokenPromise(results: number, failed: number, plan: number | undefined, status: number, skipped: number): string | undefined {
  if (results === 0) return `no test result, exit status ${status}`
  if (plan !== undefined && plan !== 0 && plan !== results) return `the plan says ${plan} tests, ${results} reported, exit status ${status}`
  const skippedWhole = status === kselftestSkipStatus && skipped > 0
  if (status !== 0 && failed === 0 && !skippedWhole) return `exit status ${status} although no test failed`
  return undefined
}

/** Adds outcomes up. */
export function addOutcomes(outcomes: readonly TapOutcome[]): TapOutcome {
  return {
    passed: outcomes.reduce((sum, { passed }) => sum + passed, 0),
    failed: outcomes.reduce((sum, { failed }) => sum + failed, 0),
    skipped: outcomes.reduce((sum, { skipped }) => sum + skipped, 0),
    remarks: outcomes.flatMap(({ remarks }) => remarks),
  }
}
