import { delimiter, join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { SlowestFirst } from './vitest.sequencer.js'

export default defineConfig({
  // Tests run the sources, not what was compiled from them.
  resolve: { conditions: ['@sendzc/source'] },
  ssr: { resolve: { conditions: ['@sendzc/source'] } },
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'vm/test/**/*.test.ts',
      'examples/test/**/*.test.ts',
      'docs/test/**/*.test.ts',
      'scripts/test/**/*.test.ts',
    ],
    env: { PATH: [join(import.meta.dirname, 'scripts/test/no-install'), process.env.PATH].join(delimiter) },
    // Addons are loaded per process; a fork per file keeps one file's sockets out of another's counts.
    pool: 'forks',
    maxWorkers: 4,
    sequence: { sequencer: SlowestFirst },
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Every wait is bounded, and on a shared machine the hypervisor can take a processor away for longer than a bound: one more try there.
    // A test that fails for a reason of its own fails again.
    retry: process.env.CI === undefined ? 0 : 2,
  },
})
