import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundleProgram } from '@sendzc/core/fixtures'
import { expect, it } from 'vitest'
import type { DatagramEnd } from './children/datagram-child.js'

const CHILD_TEST_MS = 60_000
const run = promisify(execFile)

it(
  'over an MTU of 1,500: segments that fit, those that do not, ECN, and joined datagrams that do not fit, with each backend',
  async () => {
    const program = await bundleProgram(fileURLToPath(new URL('./children/datagram-child.ts', import.meta.url)))
    const shell = 'ip link set lo up mtu 1500 && exec "$0" "$@"'
    const args = ['--net', '--map-root-user', 'sh', '-ec', shell, process.execPath, program]
    const { stdout } = await run('unshare', args, { timeout: CHILD_TEST_MS })
    const reports = JSON.parse(stdout) as DatagramEnd[]
    expect(reports.map(({ backend }) => backend)).toEqual(['copy', 'copy', 'errqueue', 'errqueue', 'uring', 'uring'])
    for (const report of reports) {
      expect(report).toMatchObject({
        ends: [
          'sent',
          'ERR_ZC_MESSAGE_TOO_LARGE',
          'sent',
          'sent',
          'ERR_ZC_INVALID_ARGUMENT',
          'sent',
          'ERR_ZC_MESSAGE_TOO_LARGE',
          ...new Array(7).fill('sent'),
        ],
        arrived: ['1472 1', '1472 2', '1472 2', '1400 3', '400 0', ...new Array(3).fill('1600 0'), ...new Array(3).fill('100 0'), '77 0'],
        pinnedBytes: 0,
      })
    }
  },
  CHILD_TEST_MS,
)
