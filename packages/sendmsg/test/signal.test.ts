import { setImmediate as oneTurn } from 'node:timers/promises'
import { openWriter, type ZeroCopyError } from '@sendzc/core'
import { tcpPairs } from '@sendzc/core/conformance'
import { assertContent, bounded, content } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { copy, errqueue } from '../src/index.js'

describe.each([
  ['copy', copy],
  ['errqueue', errqueue],
] as const)('an aborted write that was submitted and refused, over %s', (_name, backend) => {
  it('is not sent, and its memory is free', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    const writer = await openWriter({ fd: pair.fd }, { backend: backend(), minZerocopyBytes: 0 })
    pair.peer.pause()
    const controller = new AbortController()
    const first = writer.write(content(pair.stallBytes))
    // In one batch with the first: the kernel takes a part of the first, and no byte of this one.
    const refused = writer.write(content(600_000, 12_345), { signal: controller.signal }).catch((error: unknown) => error)
    const last = writer.write(content(20_000, pair.stallBytes))
    await oneTurn()
    controller.abort()
    const error = (await bounded(refused, 'rejection')) as ZeroCopyError
    expect(error).toMatchObject({ code: 'ERR_ZC_ABORTED' })
    await bounded(error.released as Promise<unknown>, 'release of what was never sent')
    pair.peer.resume()
    assertContent(await pair.peer.read(pair.stallBytes + 20_000), 0, 'stream')
    await Promise.all([first, last])
    await writer.close()
    expect(pair.peer.unreadBytes).toBe(0)
    await pair.dispose()
  })
})
