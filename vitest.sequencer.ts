import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files that take longest, longest first: on a fresh machine, where no earlier run says how long each takes, a long one that is begun last is
 * waited for alone.
 */
const SLOWEST = [
  'sendmsg/test/conformance',
  'sendmsg/test/content',
  'uring/test/content',
  'sendmsg/test/writer-lifetime',
  'bench/test/interrupt',
  'socket/test/receiver-protocols',
  'sendmsg/test/writer-faults',
  'core/test/conformance',
  'sendmsg/test/lifetime',
  'bench/test/two-hosts',
  'uring/test/writer-lifetime',
  'sendmsg/test/faults',
  'uring/test/lifetime',
  'bench/test/resume',
  'uring/test/faults',
  'socket/test/page-sender',
  'socket/test/receiver-process',
  'core/test/mutants',
]

const rank = (file: string): number => {
  const found = SLOWEST.findIndex((name) => file.includes(`${name}.test.ts`))
  return found === -1 ? SLOWEST.length : found
}

/** Runs the slowest files first, the others as vitest would. */
export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.sort((a, b) => rank(a.moduleId) - rank(b.moduleId))
  }
}
