import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

/** The system-call layer, with the C++ tests on top, under AddressSanitizer and UBSan; with SENDZC_VALGRIND=1 under valgrind's memcheck instead. */
const valgrind = process.env.SENDZC_VALGRIND === '1'
const here = fileURLToPath(new URL('.', import.meta.url))
const native = join(here, '../native')
const layer = ['earlier_sends', 'error_queue', 'inline_notification', 'next_id_probe', 'open_socket', 'sender']
const tests = ['main', 'table_test', 'notification_test', 'sender_test']
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
  ? [
      'valgrind',
      '--quiet',
      '--leak-check=full',
      '--show-leak-kinds=all',
      '--errors-for-leak-kinds=all',
      '--error-exitcode=88',
      `--suppressions=${join(here, 'native', 'valgrind.supp')}`,
    ]
  : []
const COMPILE_TIMEOUT_MS = 240_000
const RUN_TIMEOUT_MS = 20_000

const names = [
  'a range counts across the wrap',
  'messages are released in any order',
  'messages are released across the wrap',
  'a range of other ids releases nothing',
  'the oldest id blocks the window',
  "a skipped id is nobody's",
  'a range ahead is told across the wrap',
  'the table is like a map over random orders',
  'a notification of every family is parsed',
  'other errors are not notifications',
  'inline entries are read from the control message',
  'inline entries are read through the pointer',
  'an untouched placeholder is no notification',
  'a probe uses up one id and sends nothing',
  'a failed datagram that used an id',
  'a failed datagram that used no id',
  'a datagram of too many pages is copied',
  'a TCP socket that was used before is calibrated',
  'a UDP socket that was used before is calibrated',
  'another sender on the socket ends zero-copy',
  'with nothing in flight nothing is asked',
  'abort makes the kernel let go',
]

describe(`the system-call layer in C++, under ${valgrind ? 'valgrind' : 'AddressSanitizer and UBSan'}`, () => {
  let directory = ''
  let program = ''

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'sendzc-sendmsg-'))
    program = join(directory, 'native-test')
    const sources = [...tests.map((name) => join(here, 'native', `${name}.cc`)), ...layer.map((name) => join(native, `${name}.cc`))]
    const includes = [join(here, 'native'), native, join(here, '../../native/include')].map((path) => `-I${path}`)
    execFileSync(process.env.CXX ?? 'c++', [...flags, ...includes, ...sources, '-o', program], { stdio: 'inherit' })
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
