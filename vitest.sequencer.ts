import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files that take longest, longest first: on a fresh machine, where no earlier run says how long each takes, a long one that is begun last is
 * waited for alone.
 */
const SLOWEST = [
  'sendmsg/test/conformance',
  'sendmsg/test/native',
  'uring/test/conformance',
  'bench/test/wire/wire',
  'sendmsg/test/content',
  'core/test/conformance',
  'core/test/mutants',
  'bench/test/two-hosts',
  'bench/test/interrupt',
  'sendmsg/test/net-socket',
  'uring/test/writer-faults',
  'sendmsg/test/suite-mutants',
  'socket/test/receiver-protocols',
  'examples/test/examples',
  'sendmsg/test/id-wrap',
  'bench/test/profile',
  'sendmsg/test/lifetime',
  'bench/test/sweep',
  'bench/test/wire/retransmission',
  'sendmsg/test/writer-lifetime',
  'bench/test/report/browser',
  'sendmsg/test/transparent',
  'uring/test/enter-fails',
  'bench/test/lo',
  'sendmsg/test/own-way',
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
