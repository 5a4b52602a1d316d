import { bounded, SUITE_LIMITS } from './bounded.js'
import type { TestFramework } from './contract.js'

/** Result of one case that was run by {@link collectCases}. */
export interface CaseResult {
  /** Name of the promise. */
  promise: string
  /** Name of the case. */
  name: string
  /** Why the case failed; undefined where it passed. */
  error: Error | undefined
}

/**
 * The smallest test framework: runs what `register` registers, one case after the other, and returns the results.
 * With it the suite can be run by a program, for example to prove that it catches a broken driver.
 * @param limits - `caseMs` bounds one case; `onStart` is told each case before it runs, so that one that hangs has a name;
 *   `bail` ends the run at the first failure
 */
export async function collectCases(
  register: (framework: TestFramework) => void,
  limits: { caseMs?: number; onStart?: (promise: string, name: string) => void; bail?: boolean } = {},
): Promise<CaseResult[]> {
  const path: string[] = []
  const cases: { promise: string; name: string; body: () => Promise<void> }[] = []
  register({
    describe: (name, body) => {
      path.push(name)
      body()
      path.pop()
    },
    it: Object.assign(
      (name: string, body: () => Promise<void>) => {
        cases.push({ promise: (path.at(-1) ?? '').split(':')[0] as string, name, body })
      },
      { skip: () => undefined },
    ),
  })
  const results: CaseResult[] = []
  for (const { promise, name, body } of cases) {
    limits.onStart?.(promise, name)
    const error = await bounded(body(), `case "${promise}: ${name}"`, limits.caseMs ?? SUITE_LIMITS.caseMs).then(
      () => undefined,
      (thrown: unknown) => (thrown instanceof Error ? thrown : new Error(String(thrown))),
    )
    results.push({ promise, name, error })
    if (error !== undefined && limits.bail === true) break
  }
  return results
}
