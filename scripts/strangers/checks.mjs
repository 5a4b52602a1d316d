// Clients that know nothing of the library, and what each must get from the servers of server.mjs.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'

const BODY_BYTES = 1_000_000
/** How long one client may take, in ms. */
const CLIENT_TIMEOUT_MS = 30_000
const run = promisify(execFile)

function assertBody(bytes) {
  assert.equal(bytes.byteLength, BODY_BYTES)
  const wrong = bytes.findIndex((byte, at) => byte !== ((at * 31 + (at >> 8)) & 0xff))
  assert.equal(wrong, -1, `byte ${wrong} is wrong`)
}

async function curl(port, ...args) {
  const { stdout } = await run('curl', ['-sS', '--max-time', '20', ...args, `http://127.0.0.1:${port}/`], {
    encoding: 'buffer',
    maxBuffer: 64 * BODY_BYTES,
    timeout: CLIENT_TIMEOUT_MS,
  })
  return stdout
}

/**
 * @param ports - of the servers
 * @param require - finds what was installed
 * @param load - seconds that the load generators run
 */
export function clientChecks(ports, require, load) {
  const { request, Agent } = require('undici')
  const autocannon = require('autocannon')
  const WebSocket = require('ws')
  const checks = {}
  for (const server of ['http', 'express', 'fastify']) {
    checks[`${server} serves curl`] = async () => assertBody(await curl(ports[server]))
    checks[`${server} serves undici, on one connection`] = async () => {
      const dispatcher = new Agent({ connections: 1, pipelining: 4 })
      const answers = Array.from({ length: 8 }, () => request(`http://127.0.0.1:${ports[server]}/`, { dispatcher }))
      for (const answer of answers) assertBody(new Uint8Array(await (await answer).body.arrayBuffer()))
      await dispatcher.close()
    }
    checks[`${server} serves autocannon`] = async () => {
      const result = await autocannon({ url: `http://127.0.0.1:${ports[server]}/`, connections: 8, duration: load })
      assert.deepEqual([result.errors, result.timeouts, result.non2xx], [0, 0, 0])
      assert.ok(result['2xx'] > 0)
      return `${result['2xx']} responses`
    }
  }
  checks['a connection for each request of curl'] = async () => {
    for (let time = 0; time < 5; time++) assertBody(await curl(ports.http, '-H', 'Connection: close'))
  }
  checks['autocannon pipelines'] = async () => {
    const result = await autocannon({ url: `http://127.0.0.1:${ports.http}/`, connections: 4, pipelining: 4, duration: load })
    assert.deepEqual([result.errors, result.timeouts, result.non2xx], [0, 0, 0])
    return `${result['2xx']} responses`
  }
  checks['undici uploads, and gets it back'] = async () => {
    const body = Buffer.from(await curl(ports.http))
    const { body: answer } = await request(`http://127.0.0.1:${ports.echo}/`, { method: 'POST', body })
    assertBody(new Uint8Array(await answer.arrayBuffer()))
  }
  checks['ws keeps the order of its messages'] = async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${ports.ws}/`)
    await once(socket, 'open')
    for (let round = 0; round < 5; round++) socket.send('again')
    const messages = []
    await new Promise((resolve, reject) => {
      socket.on('error', reject)
      socket.on('message', (data) => messages.push(data) === 15 && resolve())
    })
    for (let at = 0; at < 15; at += 3) {
      assert.deepEqual([String(messages[at]), String(messages[at + 2])], ['before', 'behind'])
      assertBody(messages[at + 1])
    }
    socket.close()
    await once(socket, 'close')
  }
  checks['clients that leave in the middle'] = async () => {
    for (let time = 0; time < 20; time++) {
      await assert.rejects(
        run('curl', ['-sS', '--max-filesize', '100000', '--limit-rate', '100k', '-m', '0.05', `http://127.0.0.1:${ports.http}/`]),
      )
    }
    assertBody(await curl(ports.http))
  }
  return checks
}
