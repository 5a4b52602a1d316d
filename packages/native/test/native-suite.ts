import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** A C++ program of tests: without an argument it prints their names, with one it runs that test. */
export interface NativeSuiteOptions {
  /** The subject of the tests, for the title. */
  what: string
  sources: readonly string[]
  /** Folders of headers, besides those that the addons share. */
  includes: readonly string[]
  /** Libraries to link, as arguments of the compiler. */
  libraries?: readonly string[]
  /** A file of valgrind's suppressions. */
  suppressions?: string
  /** Every test, in the order of the program's list. */
  names: readonly string[]
}

const valgrind = process.env.SENDZC_VALGRIND === '1'
const flags = [
  '-std=c++17',
  '-fno-exceptions',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-g',
  ...(valgrind ? ['-O1'] : ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']),
]
const COMPILE_TIMEOUT_MS = 240_000
const RUN_TIMEOUT_MS = 20_000

/** Before the program: every leak and every use of memory that is not the program's is an error. */
function runner(suppressions: string | undefined): string[] {
  if (!valgrind) return []
  const leaks = ['--leak-check=full', '--show-leak-kinds=all', '--errors-for-leak-kinds=all']
  return ['valgrind', '--quiet', ...leaks, '--error-exitcode=88', ...(suppressions === undefined ? [] : [`--suppressions=${suppressions}`])]
}

/** Registers the tests of a C++ program, under AddressSanitizer and UBSan; with SENDZC_VALGRIND=1 under valgrind's memcheck instead. */
export function nativeSuite({ what, sources, includes, libraries = [], suppressions, names }: NativeSuiteOptions): void {
  describe(`${what} in C++, under ${valgrind ? 'valgrind' : 'AddressSanitizer and UBSan'}`, () => {
    let directory = ''
    let program = ''

    beforeAll(() => {
      directory = mkdtempSync(join(tmpdir(), 'sendzc-native-'))
      program = join(directory, 'native-test')
      const shared = fileURLToPath(new URL('../include', import.meta.url))
      const folders = [...includes, shared].map((path) => `-I${path}`)
      execFileSync(process.env.CXX ?? 'c++', [...flags, ...folders, ...sources, ...libraries, '-o', program], { stdio: 'inherit' })
    }, COMPILE_TIMEOUT_MS)

    afterAll(() => rmSync(directory, { recursive: true, force: true }))

    it('has exactly these tests', () => {
      const listed = execFileSync(program, { encoding: 'utf8' })
      expect(listed.trimEnd().split('\n')).toEqual(names)
    })

    it.each(names)('%s', (name) => {
      const [file = '', ...args] = [...runner(suppressions), program, name]
      const { status, signal, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: RUN_TIMEOUT_MS })
      expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' })
    })
  })
}
