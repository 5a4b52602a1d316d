import { fileURLToPath } from 'node:url'
import { runToEnd } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { nodeArguments, parsed } from './children/child.js'
import type { LostRouteReport } from './children/lost-route-child.js'

const CHILD_TEST_MS = 60_000
const SOCKET_PROGRAM = fileURLToPath(new URL('children/udp_socket.py', import.meta.url))
const NETWORK = [
  'ip link set lo up',
  'ip link add near type veth peer name far',
  'ip link set near up',
  'ip link set far up',
  'ip address add 10.8.8.1/24 dev near',
  'ip address add fd00::1/64 dev near nodad',
].join(' && ')

/** Writes 20,000 bytes to `peer` after `routeEnds`, in a network of its own. */
async function writeAfter(routeEnds: string, peer = '10.8.8.2', device = ''): Promise<LostRouteReport> {
  const shell = `${NETWORK} && exec "$0" "$@"`
  const child = [process.execPath, ...(await nodeArguments('./lost-route-child.ts', { routeEnds }))]
  const namespace = ['unshare', '--net', '--map-root-user', 'sh', '-ec', shell]
  return parsed(await runToEnd([...namespace, 'python3', SOCKET_PROGRAM, peer, device, ...child]))
}

const free = { closeError: 'none', abandonedBytes: 0, leakedBytes: 0 }

describe('a datagram whose route went away: its memory is free at once', () => {
  it.each([
    ['EHOSTUNREACH', 'ip route add unreachable 10.8.8.2'],
    ['ENETUNREACH', 'ip route add throw 10.8.8.2'],
    ['EACCES', 'ip route add prohibit 10.8.8.2'],
    ['EINVAL', 'ip route add blackhole 10.8.8.2'],
    ['ENETUNREACH', 'ip link delete near'],
  ])(
    '%s (%s)',
    async (errno, routeEnds) => {
      const report = await writeAfter(routeEnds)
      expect(report).toMatchObject({ errno, ...free })
      expect(report.released).not.toBe('abandoned')
      expect(report.released).toBeDefined()
    },
    CHILD_TEST_MS,
  )
})

it(
  'a socket that can begin no datagram at all: the memory is abandoned at once',
  async () => {
    const report = await writeAfter('ip link delete near', 'fd00::2', 'near')
    const abandoned = { released: 'abandoned', closeError: 'none', abandonedBytes: 20_000, leakedBytes: 20_000 }
    expect(report).toEqual({ errno: 'ENETUNREACH', ...abandoned })
  },
  CHILD_TEST_MS,
)
