// Runs one of Node's own tests in a process of its own.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Bytes of a failing test's output that are kept. */
const MAX_OUTPUT_BYTES = 4_096

/** What a test asks for in a comment, for example `// Flags: --expose-internals`. */
function flagsOf(file) {
  const [, flags = ''] = /^\/\/ Flags: (.*)$/m.exec(readFileSync(file, 'utf8')) ?? []
  return flags.split(/\s+/).filter((flag) => flag !== '')
}

/**
 * @param file - of the test
 * @param environment - variables beside this process's own
 * @param timeoutMs - after which it has failed
 * @returns whether it passed, and the end of what it said
 */
export function runNodeTest(file, environment, timeoutMs) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [...flagsOf(file), file], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let output = ''
    const keep = (chunk) => {
      output = (output + chunk).slice(-MAX_OUTPUT_BYTES)
    }
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      endGroup(child.pid)
    }, timeoutMs)
    child.on('exit', () => setImmediate(() => endGroup(child.pid)))
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const how = timedOut ? `still running after ${timeoutMs} ms` : `ended with ${signal ?? code}`
      resolve({ passed: code === 0 && !timedOut, output: `${output}\n(${how})` })
    })
  })
}

/** Also what the test has started: it may outlive it. */
function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It is gone.
  }
}
