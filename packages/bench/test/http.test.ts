import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { inFolderOfItsOwn, start } from './bench-run.js'
import { needs, obstacle } from './wire/wire-stage.js'

const TIMEOUT_MS = 120_000
inFolderOfItsOwn()

async function bench(...args: string[]): Promise<{ status: unknown; stdout: string; stderr: string }> {
  const child = await start(['http', '--rounds', '1', '--runtime-ms', '100', '--warmup-ms', '300', '--connections', '2', ...args])
  let [stdout, stderr] = ['', '']
  child.stdout?.on('data', (text: Buffer) => {
    stdout += text.toString()
  })
  child.stderr?.on('data', (text: Buffer) => {
    stderr += text.toString()
  })
  const [status] = (await once(child, 'close')) as [unknown]
  return { status, stdout, stderr }
}

describe('bench http', { timeout: TIMEOUT_MS }, () => {
  it('compares both servers over loopback, where shared writes are copied', async () => {
    const { status, stdout, stderr } = await bench('--sizes', '1K,256K', '--backends', 'errqueue-recvmmsg')
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(/^ *262144 +errqueue-recvmmsg .* 100 %$/mu)
  })

  it('compares them with a connection for each request', async () => {
    const { status, stdout, stderr } = await bench('--sizes', '1K', '--backends', 'errqueue-recvmmsg', '--close')
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(/^ +1024 +plain +[\d.]+ +\d+$/mu)
    expect(stdout).toMatch(/^ +1024 +errqueue-recvmmsg +[\d.]+( +\d+\.\d{3}){3} +\d+( +\d+\.\d{3}){3}$/mu)
  })

  it.runIf(obstacle === undefined)(`shares on the wire what the program writes${needs}`, async () => {
    const { status, stdout, stderr } = await bench(
      '--wire',
      '--sizes',
      '256K',
      '--backends',
      'errqueue-recvmmsg,uring',
      '--pool',
      '--bodies',
      '2',
    )
    expect(status, stderr).toBe(0)
    expect(stdout).toMatch(/^ *262144 +errqueue-recvmmsg .* 0 %$/mu)
    expect(stdout).toContain('2 bodies in turn in a pool, ')
  })

  it('refuses a connection for each request on the wire', async () => {
    expect(await bench('--wire', '--close')).toMatchObject({
      status: 2,
      stderr: "bench: --close: the wire's client keeps its connections.\n",
    })
  })
})
