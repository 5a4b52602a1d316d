import { describe, expect, it } from 'vitest'
import { parseSelftest, selftestArguments } from '../src/c-programs/selftest-run.js'
import type { Cell } from '../src/cells/cell.js'

const cell: Cell = { transport: 'tcp6', backend: 'c-msg_zerocopy', level: 'peer', interval: 32, sizeBytes: 65_000 }

describe('selftests of the kernel', () => {
  it('are told the cell in their own options', () => {
    expect(selftestArguments(cell, { host: '::1', port: 9 }, 1).join(' ')).toBe('-6 -D ::1 -p 9 -s 65000 -t 1 -z -l 32 -C 1 tcp')
    expect(selftestArguments({ ...cell, transport: 'udp4', backend: 'c-io_uring' }, { host: '127.0.0.1', port: 9 }, 1).join(' ')).toBe(
      '-4 -D 127.0.0.1 -p 9 -s 65000 -t 1 -m 1 -n 32 udp',
    )
    expect(selftestArguments({ ...cell, backend: 'c-io_uring-fixed' }, { host: '::1', port: 9 }, 1).join(' ')).toBe(
      '-6 -D ::1 -p 9 -s 65000 -t 1 -m 2 -n 32 tcp',
    )
  })

  it('are read from their last line, warnings before it or not', () => {
    expect(parseSelftest('serr: inconsistent\ntx=286257 (17863 MB) txc=286256 zc=y\n')).toEqual({
      sends: 286_257,
      bytes: 17_863 * 1_048_576,
      notifiedIds: 286_256,
      zerocopy: true,
    })
    expect(parseSelftest('tx=11 (MB=2), tx/s=11 (MB/s=2)\n')).toEqual({ sends: 11, bytes: 2_097_152, notifiedIds: null, zerocopy: null })
  })

  it('fail in one line when they print something else', () => {
    expect(() => parseSelftest('connect: Connection refused')).toThrow('A selftest printed no result: connect: Connection refused')
  })
})
