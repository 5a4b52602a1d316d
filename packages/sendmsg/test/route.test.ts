import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { parsed, runBehind } from './children/child.js'
import type { RouteChange, RouteEnd } from './children/route-child.js'

const CHILD_TEST_MS = 90_000
/** A cable whose other end does not answer. */
const CABLE = 'ip link add v0 type veth peer name v1; ip addr add 10.8.8.1/24 dev v0; ip link set v0 up; ip link set v1 up'
const SOCKET = fileURLToPath(new URL('./children/datagram_socket.py', import.meta.url))

const route = (type: string): Omit<RouteChange, 'bytes'> => ({ change: `route add ${type} 10.8.8.2`, undo: `route del ${type} 10.8.8.2` })
const changes: RouteChange[] = [
  { ...route('unreachable'), bytes: 1_000 },
  { change: 'route del 10.8.8.0/24', undo: 'route add 10.8.8.0/24 dev v0', bytes: 1_000 },
  { ...route('prohibit'), bytes: 1_000 },
  { ...route('blackhole'), bytes: 1_000 },
  { change: 'link set v0 mtu 1500', undo: 'link set v0 mtu 1500', bytes: 1_473 },
]

it(
  'a datagram that cannot leave is told with its cause, and with what to look for',
  async () => {
    const prefix = ['unshare', '--net', '--map-root-user', 'sh', '-ec', `ip link set lo up; ${CABLE}; exec "$0" "$@"`, 'python3', SOCKET]
    const ends = parsed<RouteEnd[]>(await runBehind(prefix, './route-child.ts', { changes }))
    const because = (code: string, errno: string, remedy: string): object => {
      return { code, errno, syscall: 'sendmsg', remedy: expect.stringContaining(remedy) }
    }
    expect(ends).toMatchObject([
      because('ERR_ZC_SYSTEM', 'EHOSTUNREACH', 'ip route get'),
      because('ERR_ZC_SYSTEM', 'ENETUNREACH', 'ip route get'),
      because('ERR_ZC_PERMISSION', 'EACCES', 'prohibit route'),
      because('ERR_ZC_SYSTEM', 'EINVAL', 'blackhole route'),
      because('ERR_ZC_MESSAGE_TOO_LARGE', 'EMSGSIZE', 'MTU of the path'),
    ])
    expect(ends[4]?.message).toContain('The datagram of 1473 bytes')
  },
  CHILD_TEST_MS,
)
