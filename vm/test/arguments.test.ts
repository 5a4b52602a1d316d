import { describe, expect, it } from 'vitest'
import { defaultGuestOptions, type GuestOptions, parseArguments, testBoots } from '../src/arguments.js'
import { VmError } from '../src/errors.js'

function guestOf(...args: string[]): GuestOptions {
  const parsed = parseArguments(['run', ...args, '--', 'true'])
  if (parsed.command !== 'run') throw new Error('not a run')
  return parsed.guest
}

describe('parseArguments', () => {
  it('knows the three commands', () => {
    expect(parseArguments(['build'])).toEqual({ command: 'build', debug: false })
    expect(parseArguments(['build', '--debug'])).toEqual({ command: 'build', debug: true })
    expect(parseArguments(['test', '--debug'])).toEqual({ command: 'test', debug: true, boots: testBoots })
    expect(parseArguments(['test', '--only', 'net', '--only=selftests'])).toMatchObject({ boots: ['selftests', 'net'] })
    expect(parseArguments(['run', '--', 'node', '-e', '1'])).toEqual({
      command: 'run',
      guest: defaultGuestOptions,
      argv: ['node', '-e', '1'],
    })
  })

  it('leaves everything after -- to the command', () => {
    const parsed = parseArguments(['run', '--net', '--', 'pnpm', 'bench', '--', '--net', '--model', 'x'])
    expect(parsed).toMatchObject({ argv: ['pnpm', 'bench', '--', '--net', '--model', 'x'], guest: { net: true } })
  })

  it('takes the -- that a package manager passes on', () => {
    expect(parseArguments(['--', 'build'])).toEqual({ command: 'build', debug: false })
  })

  it('reads each option, with = or a blank', () => {
    const guest = guestOf(
      '--kernel',
      'a/bzImage',
      '--model=throughput',
      '--pti',
      'on',
      '--cpus=3',
      '--memory-mib',
      '512',
      '--timeout-s',
      '7',
      '--out',
      'x y',
    )
    expect(guest).toEqual({
      ...defaultGuestOptions,
      kernelImage: 'a/bzImage',
      model: 'throughput',
      pti: 'on',
      cpus: 3,
      memoryMib: 512,
      timeoutS: 7,
      outputFolder: 'x y',
    })
  })

  it('collects repeated options and keeps = in their values', () => {
    const guest = guestOf('--sysctl', 'net.ipv4.tcp_wmem=1 2 3', '--sysctl=a.b=c=d', '--env', 'A=', '--env', 'B=x=y')
    expect(guest.sysctls).toEqual([
      ['net.ipv4.tcp_wmem', '1 2 3'],
      ['a.b', 'c=d'],
    ])
    expect(guest.environment).toEqual([
      ['A', ''],
      ['B', 'x=y'],
    ])
  })

  it('boots a debug kernel when told to', () => {
    expect(guestOf('--debug')).toEqual({ ...defaultGuestOptions, debug: true })
  })

  it('counts instructions on exactly one processor', () => {
    expect(guestOf('--model', 'instructions').cpus).toBe(1)
    expect(guestOf('--cpus', '1', '--model', 'instructions').cpus).toBe(1)
    expect(() => guestOf('--model', 'instructions', '--cpus', '2')).toThrow(/exactly one processor/)
  })

  it.each([
    [[], 'which command'],
    [['boot'], 'unknown command'],
    [['build', '--fast'], '--fast'],
    [['build', '--only', 'net'], '--only'],
    [['test', '--only', 'all'], '--only takes'],
    [['test', '--only'], '--only takes'],
    [['run', 'node'], 'unknown option "node"'],
    [['run', '--'], 'needs a command'],
    [['run'], 'needs a command'],
    [['run', '--model', 'fast', '--', 'x'], '--model takes'],
    [['run', '--cpus', '0', '--', 'x'], '--cpus takes'],
    [['run', '--cpus', '9', '--', 'x'], '--cpus takes'],
    [['run', '--timeout-s', '1.5', '--', 'x'], '--timeout-s takes'],
    [['run', '--timeout-s', '--', 'x'], '--timeout-s needs a value'],
    [['run', '--sysctl', 'novalue', '--', 'x'], '--sysctl takes NAME=VALUE'],
    [['run', '--sysctl', '../x=1', '--', 'x'], '--sysctl takes NAME=VALUE'],
    [['run', '--env', '1A=x', '--', 'x'], '--env takes NAME=VALUE'],
    [['run', '--toString', '--', 'x'], 'unknown option'],
    [['run', '--debug=1', '--', 'x'], 'unknown option'],
    [['run', '--debug', '--kernel', 'bzImage', '--', 'x'], '--kernel and --debug'],
  ])('refuses %j with status 2', (args, message) => {
    let caught: unknown
    try {
      parseArguments(args)
    } catch (error) {
      caught = error
    }
    expect(caught).toBeInstanceOf(VmError)
    expect((caught as VmError).exitStatus).toBe(2)
    expect((caught as VmError).message).toContain(message)
  })
})
