import { describe, expect, it } from 'vitest'
import { CutOff, runProgram } from '../src/c-programs/child-program.js'

/** Longer than any test may take: a program that is not ended fails its test. */
const TIMEOUT_MS = 3_600_000

const shell = (script: string, signal = new AbortController().signal, timeoutMs = TIMEOUT_MS): Promise<unknown> =>
  runProgram('/bin/sh', ['-c', script], { timeoutMs, signal }).catch((error: unknown) => error)

describe('a program that measures', () => {
  it('is ended when the user wants the run to end', async () => {
    const controller = new AbortController()
    const outcome = shell('exec sleep 3600', controller.signal)
    controller.abort()
    expect(await outcome).toBeInstanceOf(CutOff)
  })

  it.each(['INT', 'TERM'])('counts as cut off when SIG%s reached it first', async (name) => {
    expect(await shell(`kill -${name} $$`)).toBeInstanceOf(CutOff)
  })

  it.each<[string, string, number | undefined]>([
    ['fails', 'exit 3', undefined],
    ['crashes', 'kill -SEGV $$', undefined],
    ['takes too long', 'exec sleep 3600', 50],
  ])('that %s is a failure', async (_what, script, timeoutMs) => {
    const outcome = await shell(script, undefined, timeoutMs)
    expect(outcome).toBeInstanceOf(Error)
    expect(outcome).not.toBeInstanceOf(CutOff)
  })
})
