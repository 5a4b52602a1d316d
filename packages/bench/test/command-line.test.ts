import { describe, expect, it } from 'vitest'
import { HelpWanted, helpText, parseCommandLine } from '../src/cli/command-line.js'
import { BenchFailure, ExitStatus } from '../src/cli/failure.js'
import { COMMON_OPTIONS } from '../src/run/run-options.js'

const { transports, backends, intervals, levels, size, json, to, cpus, nodelay, congestion, seed } = COMMON_OPTIONS
const specs = { transports, backends, intervals, levels, size, json, to, cpus, nodelay, congestion, seed }

function failureOf(args: string[]): BenchFailure {
  try {
    parseCommandLine(args, specs)
  } catch (error) {
    if (error instanceof BenchFailure) return error
    throw error
  }
  throw new Error('was accepted')
}

describe('command line', () => {
  it('fills in the defaults', () => {
    expect(parseCommandLine([], specs)).toMatchObject({
      transports: ['tcp4', 'tcp6', 'udp4', 'udp6'],
      backends: undefined,
      intervals: [1, 2, 4, 8, 16, 32, 64],
      levels: ['driver', 'writer'],
      size: 65_000,
    })
  })

  it('reads lists, sizes with units, endpoints and CPUs', () => {
    const args = ['--transports', 'udp6,tcp4', '--intervals', '1, 32', '--size', '64K', '--to', '[::1]:900', '--cpus', '2,3']
    expect(parseCommandLine(args, specs)).toMatchObject({
      transports: ['udp6', 'tcp4'],
      intervals: [1, 32],
      size: 65_536,
      to: { host: '::1', port: 900 },
      cpus: [2, 3],
    })
    expect(parseCommandLine(['--to', 'example.net:80'], specs).to).toEqual({ host: 'example.net', port: 80 })
  })

  it('takes the name of a backend for all of its labels, each once', () => {
    const { backends } = parseCommandLine(['--backends', 'errqueue-recvmmsg,errqueue,inline'], specs)
    expect(backends).toEqual(['errqueue-recvmmsg', 'errqueue-recvmsg', 'inline'])
  })

  it.each([
    [['--transports', 'tcp4,sctp'], '--transports: unknown "sctp"; known are tcp4, tcp6, udp4, udp6'],
    [['--backends', 'epoll'], '--backends: unknown "epoll"'],
    [['--intervals', '0'], '--intervals: "0" is not a whole number from 1 to 1024'],
    [['--intervals', '1,,2'], '--intervals: "" is not a whole number'],
    [['--size', '1.5M'], '--size: "1.5M" is not a whole number'],
    [['--size', '17M'], '--size: "17M" is not a whole number'],
    [['--to', 'host'], '--to: "host" is not HOST:PORT'],
    [['--to', 'host:0'], '--to: "host:0" is not HOST:PORT'],
    [['--cpus', '1'], '--cpus: wants two different CPUs'],
    [['--cpus', '1,1'], '--cpus: wants two different CPUs'],
    [['--json', ''], '--json:'],
    [['--congestion', 'no such'], '--congestion: is the name of a congestion control'],
    [['--nodelay', 'maybe'], '--nodelay: is "on" or "off"'],
    [['--nonsense'], "Unknown option '--nonsense'. See --help."],
    [['extra'], "Unexpected argument 'extra'"],
    [['--size'], 'argument missing'],
  ])('refuses %j in one line that names it', (args, expected) => {
    const failure = failureOf(args)
    expect(failure.message).toContain(expected)
    expect(failure.message).not.toContain('\n')
    expect(failure.status).toBe(ExitStatus.Usage)
  })

  it('asks for help, and prints every option', () => {
    expect(() => parseCommandLine(['--help'], specs)).toThrow(HelpWanted)
    const text = helpText('bench sweep [options]', 'About.', specs)
    for (const name of Object.keys(specs)) expect(text).toContain(`--${name} `)
  })
})
