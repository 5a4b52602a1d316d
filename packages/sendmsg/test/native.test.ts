import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nativeSuite } from '../../native/test/native-suite.js'

const tests = fileURLToPath(new URL('native', import.meta.url))
const native = fileURLToPath(new URL('../native', import.meta.url))
const programs = ['main', 'table_test', 'notification_test', 'sender_test', 'failed_send_test']
const layer = ['earlier_sends', 'error_queue', 'inline_notification', 'next_id_probe', 'open_socket', 'sender']

nativeSuite({
  what: 'the system-call layer',
  sources: [...programs.map((name) => join(tests, `${name}.cc`)), ...layer.map((name) => join(native, `${name}.cc`))],
  includes: [tests, native],
  suppressions: join(tests, 'valgrind.supp'),
  names: [
    'a range counts across the wrap',
    'messages are released in any order',
    'messages are released across the wrap',
    'a range of other ids releases nothing',
    'the oldest id blocks the window',
    "a skipped id is nobody's",
    'a range ahead is told across the wrap',
    'everything that is left is taken out',
    'the table is like a map over random orders',
    'a notification of every family is parsed',
    'other errors are not notifications',
    'inline entries are read from the control message',
    'an untouched placeholder is no notification',
    'a probe uses up one id and sends nothing',
    'a TCP socket that was used before is calibrated',
    'a UDP socket that was used before is calibrated',
    'earlier sends are waited for',
    'a socket has one owner',
    'another sender on the socket ends zero-copy',
    'with nothing in flight nothing is asked',
    'nobody asks for what cannot be there',
    'an error of the error queue is told',
    'a collection that failed is tried again, over TCP',
    'a collection that failed is tried again, over UDP',
    'collecting that fails for good is given up, over TCP',
    'collecting that fails for good is given up, over UDP',
    'control messages of each call find the same room',
    'a collection is due after each interval',
    'a connection that is shut is an error and no signal',
    'abort makes the kernel let go',
    'a failed datagram that used an id',
    'a failed datagram that used no id',
    'a route that goes away leaves no doubt',
    'a removed device leaves no doubt',
    'a doubt that nothing can end is given up',
    'a doubt outlasts no message in flight',
    'a datagram of too many pages is copied',
    'datagrams of a run have results of their own',
    'a datagram refused for its size that used an id',
    'a datagram dropped by the device used an id',
  ],
})
