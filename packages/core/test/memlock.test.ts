import { expect, it } from 'vitest'
import { pinnableBytesOf } from '../src/transparent/memlock.js'

const limits = (soft: string): string =>
  `Limit  Soft Limit  Hard Limit  Units\nMax locked memory         ${soft}              unlimited            bytes\n`
const INITIAL = '         0          0 4294967295\n'
const status = (mask: string): string => `Name:\tnode\nCapEff:\t${mask}\n`

it('RLIMIT_MEMLOCK applies without CAP_IPC_LOCK, and in a user namespace whatever its capabilities', () => {
  const all = '000001ffffffffff'
  expect(pinnableBytesOf({ limits: limits('8388608'), status: status('0000000000000000'), uidMap: INITIAL })).toBe(8_388_608)
  expect(pinnableBytesOf({ limits: limits('8388608'), status: status(all), uidMap: INITIAL })).toBe(Number.POSITIVE_INFINITY)
  expect(pinnableBytesOf({ limits: limits('8388608'), status: status(all), uidMap: '         0       1000          1\n' })).toBe(8_388_608)
  expect(pinnableBytesOf({ limits: limits('unlimited'), status: status('0'), uidMap: INITIAL })).toBe(Number.POSITIVE_INFINITY)
  expect(pinnableBytesOf({ limits: '', status: '', uidMap: '' })).toBe(Number.POSITIVE_INFINITY)
})
