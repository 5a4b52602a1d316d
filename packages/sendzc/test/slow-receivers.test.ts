import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundleProgram, slowLoopback } from '@sendzc/core/fixtures'
import { expect, it } from 'vitest'
import type { SlowEnd } from './children/slow-receivers-child.js'

const CHILD_TEST_MS = 120_000
const RATE_KBIT_PER_S = 100_000
/** More than all that the child sends. */
const QUEUE_BYTES = 20_000_000
const run = promisify(execFile)

it(
  'over a slow device and full sockets every datagram reaches its receiver, in its order, whichever way it is sent',
  async () => {
    const program = await bundleProgram(fileURLToPath(new URL('./children/slow-receivers-child.ts', import.meta.url)))
    const shell = `ip link set lo up && ${slowLoopback(RATE_KBIT_PER_S, QUEUE_BYTES)} && exec "$0" "$@"`
    const args = ['--net', '--map-root-user', 'sh', '-ec', shell, process.execPath, program]
    const { stdout } = await run('unshare', args, { timeout: CHILD_TEST_MS })
    const ends = JSON.parse(stdout) as SlowEnd[]
    expect(ends.map(({ backend }) => backend)).toEqual(['copy', 'copy', 'errqueue', 'errqueue', 'uring', 'uring'])
    for (const { sent, arrived, wrong, pinnedBytes } of ends)
      expect({ arrived, wrong, pinnedBytes }).toEqual({ arrived: sent, wrong: 0, pinnedBytes: 0 })
  },
  CHILD_TEST_MS,
)
