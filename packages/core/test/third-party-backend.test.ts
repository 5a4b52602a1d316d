import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { join } from 'node:path'
import ts from 'typescript'
import { expect, it } from 'vitest'
import { assertContent, content } from '../conformance/fixtures/index.js'
import { tcpPairs } from '../conformance/index.js'
import { auto, openWriter } from '../src/entries/index.js'
import { DgramReceiveHold } from '../src/open/dgram-receive-hold.js'
import { memory } from '../src/testing/memory-backend.js'
import { writev } from './consumer/writev-backend.js'

/** Compiles the project of a consumer, against the published, compiled declarations. */
function diagnosticsOfConsumer(): string[] {
  const configPath = join(import.meta.dirname, 'consumer/tsconfig.json')
  const parsed = ts.getParsedCommandLineOfConfigFile(configPath, undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(ts.flattenDiagnosticMessageText(messageText, ' '))
    },
  })
  if (parsed === undefined) throw new Error(`no project in ${configPath}`)
  const program = ts.createProgram(parsed.fileNames, parsed.options)
  return ts.getPreEmitDiagnostics(program).map(({ messageText, code }) => `TS${code}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
}

it('a backend from outside compiles strictly against the published declarations', () => {
  expect(diagnosticsOfConsumer()).toEqual([])
}, 60_000)

it('the suite gives the author of a backend what its use takes, and no more', async () => {
  expect(Object.keys(await import('../conformance/index.js')).sort()).toEqual([
    'Inbox',
    'RemotePeers',
    'collectCases',
    'conformance',
    'runWriterStage',
    'tcpPairs',
    'udpPairs',
    'udpReceivers',
    'writerLifetimeSuite',
  ])
})

it('a backend from outside sends under its own name', async () => {
  const pair = await tcpPairs('127.0.0.1')()
  try {
    const writer = await openWriter(pair.target as never, { backend: writev() })
    expect(writer.backend).toBe('writev')
    const { released } = await writer.write(content(20_000))
    assertContent(await pair.peer.read(20_000), 0, 'stream')
    expect(await released).toBe('copied')
    await writer.close()
    expect(writer.stats().backend).toBe('writev')
  } finally {
    await pair.dispose()
  }
})

it.each([true, false])('a dgram.Socket holds back its receiving for any driver that reads the error queue: %s', async (readsErrorQueue) => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  try {
    const nothing = (): void => undefined
    const hold = new DgramReceiveHold(socket, { sent: nothing, released: nothing, wake: nothing })
    hold.watch({ ...Object.create(null), backend: 'writev', readsErrorQueue })
    hold.sent(0, 20_000)
    let received = false
    socket.on('message', () => {
      received = true
    })
    const sender = createSocket('udp4')
    const sent = new Promise((resolve) => sender.send('x', socket.address().port, '127.0.0.1', resolve))
    await sent
    sender.close()
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    expect(received).toBe(!readsErrorQueue)
    if (readsErrorQueue) {
      const arrival = once(socket, 'message')
      hold.released(0, 2)
      await arrival
    }
  } finally {
    socket.close()
  }
})

it('a backend for another version of the driver interface is refused', async () => {
  const pair = await tcpPairs('127.0.0.1')()
  const backend = Object.assign(memory(), { driverInterfaceVersion: 2 })
  await expect(openWriter(pair.fd, { backend })).rejects.toMatchObject({
    code: 'ERR_ZC_BACKEND_UNAVAILABLE',
    message: expect.stringMatching(/memory has version 2 .* this writer version 1/u),
  })
  const writer = await openWriter(pair.fd, { backend: auto([backend, memory()]) })
  expect(writer.choice).toMatch(/; not memory: The backend memory has version 2/u)
  await writer.close()
  await pair.dispose()
})
