import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nativeSuite } from '../../native/test/native-suite.js'

const native = fileURLToPath(new URL('../native', import.meta.url))
const layer = [
  'ring',
  'send_engine_copies',
  'send_engine_failure',
  'send_engine_lifecycle',
  'send_engine_reap',
  'send_engine_submit',
  'send_engine_take_back',
  'signal_probe',
]
/** node_api.h, which the pins' header includes. */
const nodeHeaders = join(dirname(dirname(process.execPath)), 'include', 'node')
const checks = fileURLToPath(new URL('../../sendmsg/test/native', import.meta.url))

nativeSuite({
  what: 'the engine of uring',
  sources: [fileURLToPath(new URL('native/engine_test.cc', import.meta.url)), ...layer.map((name) => join(native, `${name}.cc`))],
  includes: [checks, native, nodeHeaders],
  libraries: [execFileSync(process.execPath, [join(native, 'find_liburing.cjs')], { encoding: 'utf8' }).trim()],
  names: [
    'a name holds its parts',
    'slots of a region',
    'a pin is kept until its release',
    'what is over the bound is answered in order',
    'a token in flight is refused',
    'a dropped message leaves nothing',
    'held messages of a closed driver never leave',
    'held messages of an aborted driver are canceled',
    'a sender is woken by its last release',
    'failed messages are released once',
    "a former name of a token is nobody's",
    'tokens and queues wrap',
  ],
})
