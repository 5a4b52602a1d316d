import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { bundleProgram } from '../conformance/fixtures/bundle-program.js'

/** A case of this suite takes less than a second; a loop without end takes all of this, ms. */
const NO_PROGRESS_MS = 5_000

it('a driver that hangs at the wrap of ids is caught by the name of the case that never ends', { timeout: 60_000 }, async () => {
  const child = fork(await bundleProgram(fileURLToPath(new URL('./hanging-mutant-process.ts', import.meta.url))))
  const started: { promise: string; name: string }[] = []
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    const end = await new Promise<string>((resolve) => {
      child.on('error', (error) => resolve(error.message))
      child.on('exit', (code) => resolve(`left with ${code}`))
      child.on('message', (message: { promise: string; name: string } | 'ended') => {
        clearTimeout(timer)
        if (message === 'ended') return resolve('ended')
        started.push(message)
        timer = setTimeout(() => resolve('hangs'), NO_PROGRESS_MS)
      })
    })
    expect(end).toBe('hangs')
    expect(started.at(-1)?.promise).toBe('one-sent-one-released')
  } finally {
    clearTimeout(timer)
    child.kill('SIGKILL')
  }
})
