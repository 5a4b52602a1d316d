import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** The engine, with the C++ tests on top, under AddressSanitizer and UBSan; with SENDZC_VALGRIND=1 under valgrind's memcheck instead. */
const valgrind = process.env.SENDZC_VALGRIND === '1'
const here = fileURLToPath(new URL('.', import.meta.url))
const native = join(here, '../native')
const layer = ['ring', 'send_engine_lifecycle', 'send_engine_reap', 'send_engine_submit', 'signal_probe']
/** node_api.h, which the pins' header includes. */
const nodeHeaders = join(dirname(dirname(process.execPath)), 'include', 'node')
const flags = [
  '-std=c++17',
  '-fno-exceptions',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-g',
  ...(valgrind ? ['-O1'] : ['-fsanitize=address,undefined', '-fno-sanitize-recover=all']),
]
/** Before the program: every leak and every use of memory that is not the program's is an error. */
const prefix = valgrind
  ? ['valgrind', '--quiet', '--leak-check=full', '--show-leak-kinds=all', '--errors-for-leak-kinds=all', '--error-exitcode=88']
  : []
const COMPILE_TIMEOUT_MS = 240_000
const RUN_TIMEOUT_MS = 20_000

const names = [
  'a name holds its parts',
  'slots of a region',
  'a pin is kept until its release',
  'what is over the bound is answered in order',
  'a token in flight is refused',
  'a dropped message leaves nothing',
  'held messages of a closed driver never leave',
  'held messages of an aborted driver are canceled',
  'failed messages are released once',
  'tokens and queues wrap',
]

describe(`the engine of uring in C++, under ${valgrind ? 'valgrind' : 'AddressSanitizer and UBSan'}`, () => {
  let directory = ''
  let program = ''

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'sendzc-uring-'))
    program = join(directory, 'native-test')
    const sources = [join(here, 'native', 'engine_test.cc'), ...layer.map((name) => join(native, `${name}.cc`))]
    const checks = join(here, '../../sendmsg/test/native')
    const includes = [checks, native, join(here, '../../native/include'), nodeHeaders].map((path) => `-I${path}`)
    const liburing = execFileSync(process.execPath, [join(native, 'find_liburing.cjs')], { encoding: 'utf8' }).trim()
    execFileSync(process.env.CXX ?? 'c++', [...flags, ...includes, ...sources, liburing, '-o', program], { stdio: 'inherit' })
  }, COMPILE_TIMEOUT_MS)

  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  it('has exactly these tests', () => {
    const listed = execFileSync(program, { encoding: 'utf8' })
    expect(listed.trimEnd().split('\n')).toEqual(names)
  })

  it.each(names)('%s', (name) => {
    const [file = '', ...args] = [...prefix, program, name]
    const { status, signal, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: RUN_TIMEOUT_MS })
    expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' })
  })
})
