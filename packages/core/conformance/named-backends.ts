import type { Backend } from '../src/driver/driver.js'
import type { TestFramework } from './contract.js'

/** Backends by name: a test passes only the name to its threads and processes. */
export interface NamedBackends extends TestFramework {
  backends: Readonly<Record<string, () => Backend>>
  /** Backends that cannot run here, with the reason. They are registered as skipped, so that a reader sees each. */
  skip?: Readonly<Record<string, string>>
}

/** Registers one skipped test, called `what`, for each backend that cannot run here. */
export function registerSkips({ it, skip = {} }: NamedBackends, what: string): void {
  for (const [name, reason] of Object.entries(skip)) {
    if (it.skip === undefined) throw new Error(`${name} cannot run (${reason}), and this test framework has no it.skip to say so`)
    it.skip(`${name}: ${what} (skipped: ${reason})`, async () => undefined)
  }
}
