import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { BenchFailure } from '../src/cli/failure.js'
import { congestionText, SYSTEM_CONGESTION, socketSettings } from '../src/ends/socket-settings.js'

const system = readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim()

test('the congestion control is one that does not pace, unless asked', async () => {
  expect((await socketSettings()).congestionControl).toMatch(/^(cubic|reno)$/)
  expect(await socketSettings('reno')).toMatchObject({ congestionControl: 'reno', systemCongestionControl: system })
  const kept = await socketSettings(SYSTEM_CONGESTION)
  expect(kept.congestionControl).toBeNull()
  expect(congestionText(kept)).toBe(`Congestion control of TCP: ${system}, the system's.`)
})

test('one that this kernel does not have is refused in one line', async () => {
  await expect(socketSettings('no-such')).rejects.toThrow(BenchFailure)
  await expect(socketSettings('no-such')).rejects.toThrow(/^--congestion: "no-such" is not among .*reno.*, system\. See --help\.$/)
})
