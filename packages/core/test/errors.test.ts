import { constants } from 'node:os'
import { describe, expect, it } from 'vitest'
import { Errno, errnoName } from '../src/driver/errno.js'
import { sendFailure } from '../src/driver/send-failure.js'
import { ERROR_CODES, ZeroCopyError, type ZeroCopyErrorCode } from '../src/errors.js'

const codes = Object.keys(ERROR_CODES) as ZeroCopyErrorCode[]

describe('a remedy', () => {
  it.each(codes.filter((code) => code !== 'ERR_ZC_ABORTED'))('belongs to %s, also where nothing better is known', (code) => {
    const { remedy, message } = new ZeroCopyError(code, 'It failed.')
    expect(remedy).toMatch(/^[A-Z].+\.$/u)
    expect(message).toBe(`It failed. ${remedy}`)
    // One sentence beyond the message.
    expect(ERROR_CODES[code]).not.toContain(remedy as string)
  })

  it('is replaced by a better one', () => {
    const { remedy, message } = new ZeroCopyError('ERR_ZC_SYSTEM', 'It failed.', { remedy: 'Sit down.' })
    expect({ remedy, message }).toEqual({ remedy: 'Sit down.', message: 'It failed. Sit down.' })
  })

  it('is not made up for what the caller has asked for', () => {
    expect(new ZeroCopyError('ERR_ZC_ABORTED', 'Aborted.')).toMatchObject({ remedy: undefined, message: 'Aborted.' })
  })
})

describe('an errno', () => {
  const aliases = new Set(['EWOULDBLOCK', 'ENOTSUP', 'EDEADLOCK'])
  const ofNode = Object.entries(constants.errno).filter(([name]) => !aliases.has(name))

  it.runIf(process.platform === 'linux')('has the name that the system gives it', () => {
    expect(ofNode.length).toBeGreaterThan(70)
    expect(Object.fromEntries(ofNode.map(([, number]) => [number, errnoName(number)]))).toEqual(
      Object.fromEntries(ofNode.map(([name, number]) => [number, name])),
    )
  })

  it('is named also where Node.js has no name, where the kernel leaks one of its own, and negated', () => {
    expect([Errno.ESHUTDOWN, -Errno.EHOSTDOWN, 524, -95, 11].map(errnoName)).toEqual([
      'ESHUTDOWN',
      'EHOSTDOWN',
      'ENOTSUPP',
      'EOPNOTSUPP',
      'EAGAIN',
    ])
    expect(errnoName(4_000)).toBe('errno 4000')
  })

  it('of a failed send is told with a code, and never without its name', () => {
    for (const [name, number] of Object.entries(Errno)) {
      const { code, message, remedy } = sendFailure(number)
      const error = new ZeroCopyError(code, message, { errno: name, remedy })
      expect(error.remedy, name).toBeTruthy()
      if (code === 'ERR_ZC_SYSTEM' && remedy === undefined) expect(message).toContain(name)
    }
  })
})

describe('EMSGSIZE', () => {
  it('names the limit of the protocol only where the datagram is larger than that', () => {
    expect(sendFailure(Errno.EMSGSIZE, 65_508).message).toContain('UDP over IPv4 takes at most 65,507 bytes')
    expect(sendFailure(Errno.EMSGSIZE, 65_508).remedy).not.toContain('MTU')
    for (const bytes of [1_473, 65_507, undefined]) expect(sendFailure(Errno.EMSGSIZE, bytes).remedy).toContain('MTU of the path')
  })
})
