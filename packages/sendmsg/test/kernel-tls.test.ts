import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { parsed, runBehind, runTraced } from './children/child.js'
import type { OpenEnd } from './children/open-child.js'

const CHILD_TEST_MS = 90_000
const PROTOCOLS = '/proc/sys/net/ipv4/tcp_available_ulp'
const hasKernelTls = existsSync(PROTOCOLS) && readFileSync(PROTOCOLS, 'utf8').split(/\s+/).includes('tls')

function expectRefused(end: OpenEnd): void {
  expect(end).toMatchObject({ code: 'ERR_ZC_UNSUPPORTED_SOCKET', errno: 'EOPNOTSUPP', message: expect.stringContaining('Kernel TLS') })
  expect(end.remedy).toContain('plain TCP')
}

/** The kernel encrypts the data of such a socket into other memory: it never shares the caller's memory, and counts ids differently. */
describe('kernel TLS on a socket', () => {
  const real = it.runIf(hasKernelTls)
  real(
    `is refused by every backend${hasKernelTls ? '' : ` (skipped: ${PROTOCOLS} has no tls)`}`,
    async () => {
      const prefix = ['python3', fileURLToPath(new URL('./children/kernel_tls_socket.py', import.meta.url))]
      const ends = parsed<OpenEnd[]>(await runBehind(prefix, './open-child.ts', { backends: ['errqueue', 'copy'] }))
      expect(ends).toHaveLength(2)
      ends.forEach(expectRefused)
    },
    CHILD_TEST_MS,
  )

  it.each(['errqueue', 'copy'])(
    'is refused by %s where getsockopt(TCP_ULP) is made to answer "tls"',
    async (backend) => {
      const task = { backends: [backend] }
      const { calls } = await runTraced('getsockopt', [], './open-child.ts', task)
      const asked = calls.findIndex((line) => line.includes('TCP_ULP'))
      expect(asked).toBeGreaterThanOrEqual(0)
      // strace counts the calls of each thread by itself.
      const thread = calls[asked]?.split(' ')[0]
      const position = calls.slice(0, asked + 1).filter((line) => line.split(' ')[0] === thread).length
      const tls = Buffer.from('tls\0').toString('hex')
      const inject = `getsockopt:retval=0:poke_exit=@arg4=${tls}:when=${position}`
      const traced = await runTraced('getsockopt', [inject], './open-child.ts', task)
      expect(traced.calls.find((line) => line.includes('INJECTED'))).toContain('TCP_ULP')
      expectRefused(parsed<OpenEnd[]>(traced)[0] as OpenEnd)
    },
    CHILD_TEST_MS,
  )
})
