import { Release } from '@sendzc/core/driver'
import { describe, expect, it } from 'vitest'
import { inline } from '../src/index.js'
import { type SendTask, send } from './send-task.js'

const capability = inline().probe()
const task: SendTask = { transport: 'udp4', backend: 'inline', submits: 64, messages: 1, bytes: 1000 }

if (!capability.available) it.skip(`inline notifications (skipped: ${capability.reason})`)

/** Over UDP on the loopback device a message is released within its send. */
describe.runIf(capability.available)('inline notifications', () => {
  it('one system call for each send, and none to collect', async () => {
    const report = await send(task)
    expect(report.submitted).toMatchObject({ sendCalls: 64, collectCalls: 0, notifiedIds: 64, inFlight: 0 })
    expect(report.releases).toEqual(Array(64).fill(Release.Copied))
    expect(report.wakes).toBe(0)
  })

  it('at an interval every so many sends carry the placeholder', async () => {
    const report = await send({ ...task, options: { interval: 16 } })
    expect(report.submitted).toMatchObject({ sendCalls: 64, collectCalls: 0, notifiedIds: 64, inFlight: 0 })
    expect(report.submitted.notifications).toBe(4)
  })

  it('those of the last sends come through the error queue when the caller waits', async () => {
    const report = await send({ ...task, submits: 10, options: { interval: 4 } })
    expect(report.submitted).toMatchObject({ notifiedIds: 8, inFlight: 2, collectCalls: 0 })
    expect(report.released).toMatchObject({ notifiedIds: 10, inFlight: 0, collectCalls: 1 })
  })
})
