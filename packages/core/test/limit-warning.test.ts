import { once } from 'node:events'
import { expect, it } from 'vitest'
import { Errno } from '../src/driver/driver.js'
import { openWriter } from '../src/open/open-writer.js'
import { memory } from '../src/testing/memory-backend.js'

it('a limit that is too low is said once for all writers of the process', async () => {
  const warnings: string[] = []
  process.on('warning', (warning) => warnings.push((warning as { code?: string }).code ?? warning.name))
  const backend = memory()
  for (let each = 0; each < 3; each++) {
    const socket = backend.openSocket()
    const writer = await openWriter({ fd: socket.fd }, { backend, minZerocopyBytes: 1 })
    socket.inject({ errno: Errno.ENOBUFS, zerocopyOnly: true })
    await writer.write(new Uint8Array(100))
    expect(writer.stats().copies.limit).toBe(1)
    await writer.close()
  }
  // Warnings are emitted in their order, in a later turn.
  process.emitWarning('the last', { code: 'LAST' })
  while (!warnings.includes('LAST')) await once(process, 'warning')
  expect(warnings).toEqual(['ZC_LIMIT_TOO_LOW', 'LAST'])
})
