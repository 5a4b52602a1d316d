// Writes through a writer in a process of its own, for tests that put the process in trouble, and prints the report.
import { reportWrites, type WriteTask } from '@sendzc/core/fixtures'
import { copy, type ErrqueueOptions, errqueue, processMemory } from '../../src/index.js'

/** The task of the child. */
export interface WriterTask extends WriteTask {
  backend: 'errqueue' | 'copy'
  options?: ErrqueueOptions
}

const task = JSON.parse(process.argv[2] as string) as WriterTask
const backend = task.backend === 'copy' ? copy() : errqueue(task.options)
/** The epoll instance of the environment. */
const KEPT_DESCRIPTORS = 1
const report = await reportWrites(task, backend, () => processMemory().pinnedBytes, KEPT_DESCRIPTORS)
process.stdout.write(JSON.stringify(report))
