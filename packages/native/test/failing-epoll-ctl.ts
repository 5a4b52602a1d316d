import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll } from 'vitest'

const COMPILE_MS = 60_000

/** Compiles failing_epoll_ctl.cc before the tests of a file. @returns a command that runs another with it: `fault` and `errno` are told there */
export function failingEpollCtl(): (fault: 'arm' | 'join', errno: number) => string[] {
  let directory = ''
  let library = ''
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'sendzc-epoll-'))
    library = join(directory, 'failing_epoll_ctl.so')
    const source = fileURLToPath(new URL('./failing_epoll_ctl.cc', import.meta.url))
    const flags = ['-std=c++17', '-O1', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC']
    execFileSync(process.env.CXX ?? 'c++', [...flags, source, '-o', library, '-ldl'], { stdio: 'inherit' })
  }, COMPILE_MS)
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  return (fault, errno) => ['env', `LD_PRELOAD=${library}`, `SENDZC_EPOLL_FAULT=${fault}`, `SENDZC_EPOLL_ERRNO=${errno}`]
}
