import { tcpPairs } from '@sendzc/core/conformance'
import { assertContent, content } from '@sendzc/core/fixtures'
import { expect, it } from 'vitest'
import { auto, openWriter, type WriterTarget, type ZeroCopyError } from '../src/index.js'

const ORDER = ['uring', 'inline', 'errqueue', 'copy'] as const

it('auto() without a list chooses among all backends, and names each that it passed over', async () => {
  const pair = await tcpPairs('127.0.0.1')()
  try {
    const writer = await openWriter(pair.target as WriterTarget, { backend: auto() })
    const { released } = await writer.write(content(100_000))
    assertContent(await pair.peer.read(100_000), 0, 'stream')
    expect(await released).not.toBe('abandoned')
    const chosen = ORDER.indexOf(writer.backend as (typeof ORDER)[number])
    expect(writer.choice).toContain(`${writer.backend}: the first of ${ORDER.join(', ')} that works here`)
    expect(writer.choice.match(/; not (\w+): /g) ?? []).toEqual(ORDER.slice(0, chosen).map((name) => `; not ${name}: `))
    await writer.close()
  } finally {
    await pair.dispose()
  }
})

it('auto() with a list takes that, and refuses an empty one', async () => {
  expect(() => auto([])).toThrow(expect.objectContaining({ code: 'ERR_ZC_INVALID_OPTION' } satisfies Partial<ZeroCopyError>))
})
