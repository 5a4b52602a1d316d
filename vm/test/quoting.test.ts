import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packageManagerScript } from '../src/package-scripts.js'
import { type GuestSettings, guestOrders, serializeOrders } from '../src/run-folder.js'
import { quoteKernelParameter, quoteQemuValue, quoteWords } from '../src/shell-quote.js'

const awkward = ['', ' ', "it's", '"', '$HOME', '`id`', 'a\nb', '\\', '*', '-n', 'é', '~', '#x', 'a=b c', ';', "''"]

function shell(script: string, args: readonly string[] = [], cwd?: string): { status: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync('/bin/sh', ['-c', script, 'sh', ...args], { encoding: 'utf8', cwd })
  return { status, out: stdout, err: stderr }
}

describe('quoteWords', () => {
  it('gives a shell back exactly the words', () => {
    const print = 'process.stdout.write(JSON.stringify(process.argv.slice(1)))'
    const { out } = shell(quoteWords([process.execPath, '-e', print, '--', ...awkward]))
    expect(JSON.parse(out)).toEqual(awkward)
  })

  it('leaves plain words readable and refuses a NUL', () => {
    expect(quoteWords(['node', '--x=1', './a.b'])).toBe('node --x=1 ./a.b')
    expect(() => quoteWords(['a\0b'])).toThrow(RangeError)
  })
})

describe('other quoting', () => {
  it('doubles the comma for QEMU', () => {
    expect(quoteQemuValue('/a,b/c')).toBe('/a,,b/c')
  })

  it('quotes kernel parameters and refuses what they cannot carry', () => {
    expect(quoteKernelParameter('init', '/a/b')).toBe('init=/a/b')
    expect(quoteKernelParameter('init', '/a b')).toBe('init="/a b"')
    expect(() => quoteKernelParameter('init', '/a"b')).toThrow(RangeError)
  })
})

describe('orders for the guest', () => {
  const settings: GuestSettings = {
    checkout: '/home/x/checkout',
    outputFolder: "/tmp/o'ut",
    runFolder: '/tmp/run',
    folders: ['/opt/node/bin', '/var/tmp/tests', '/tmpfiles'],
    commandPath: '/a:/b c',
    endMark: 'mark',
    environment: [['A', awkward.join('|')]],
    guest: { net: false, sysctls: [['net.ipv4.tcp_wmem', '1 2 3']] },
    lateProcessors: [1],
    argv: ['node', '-e', ...awkward],
  }

  it('are words that each end with a NUL, unchanged whatever they hold', () => {
    const words = serializeOrders(guestOrders(settings)).split('\0')
    expect(words.pop()).toBe('')
    expect(words.filter((_word, index) => words[index - 1] === 'argument' && index > words.indexOf('mark'))).toEqual(settings.argv)
    expect(words[words.indexOf('A') + 1]).toBe(awkward.join('|'))
    expect(() => serializeOrders([['argument', 'a\0b']])).toThrow(RangeError)
  })

  it('hold what will be covered before it is covered, and show it afterwards', () => {
    const orders = guestOrders(settings).map((order) => order.join(' '))
    const at = (order: string) => {
      expect(orders).toContain(order)
      return orders.indexOf(order)
    }
    for (const folder of ['/tmp/run', '/var/tmp/tests']) {
      expect(at(`hold ${folder}`)).toBeLessThan(at('cover /tmp mode=1777'))
      expect(at(`show ${folder}`)).toBeGreaterThan(at('cover /var/tmp mode=1777'))
    }
    expect(at('hold /home/x/checkout')).toBeLessThan(at('checkout /home/x/checkout'))
    expect(at('checkout /home/x/checkout')).toBeLessThan(at("output /tmp/o'ut"))
    expect(orders.filter((order) => /^(?:hold|show) (?:\/opt|\/tmpfiles)/.test(order))).toEqual([])
    expect(orders).not.toContain('show /home/x/checkout')
  })

  it('show a checkout that lies below a covered folder', () => {
    const orders = guestOrders({ ...settings, checkout: '/tmp/x' }).map((order) => order.join(' '))
    expect(orders.indexOf('show /tmp/x')).toBeLessThan(orders.indexOf('checkout /tmp/x'))
    expect(orders.filter((order) => order === 'hold /tmp/x')).toHaveLength(1)
  })

  it('switch the other processors on first', () => {
    expect(guestOrders(settings)[0]).toEqual(['processor', '/sys/devices/system/cpu/cpu1/online'])
  })

  it('set interfaces up before sysctls, which may name them', () => {
    const orders = guestOrders({ ...settings, guest: { ...settings.guest, net: true } }).map((order) => order[0])
    expect(orders.lastIndexOf('ip')).toBeLessThan(orders.indexOf('sysctl'))
    expect(orders.filter((order) => order === 'ip')).toHaveLength(2)
  })

  it("let sockets have buffers that a benchmark can work with, unless the caller's own sysctl, which comes later, says otherwise", () => {
    const own = ['net.core.wmem_max', '212992'] as const
    const orders = guestOrders({ ...settings, guest: { net: false, sysctls: [own] } }).filter(([order]) => order === 'sysctl')
    expect(orders).toEqual([
      ['sysctl', 'net.core.wmem_max', '2097152'],
      ['sysctl', 'net.core.rmem_max', '2097152'],
      ['sysctl', ...own],
    ])
  })
})

describe('packageManagerScript', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sendzc-vm-shim-'))
    mkdirSync(join(folder, 'node_modules', '.bin'), { recursive: true })
    const scripts = {
      bench: `node scripts/prepare-build.mjs && ${quoteWords([process.execPath, '-e', 'console.log(JSON.stringify(process.argv.slice(1)))'])} --`,
      'prepare-build': 'node scripts/prepare-build.mjs',
      fail: 'exit 7',
    }
    writeFileSync(join(folder, 'pnpm'), packageManagerScript(scripts, folder), { mode: 0o755 })
    symlinkSync('pnpm', join(folder, 'npx'))
    writeFileSync(join(folder, 'node_modules', '.bin', 'tool'), '#!/bin/sh\necho tool "$@"\n', { mode: 0o755 })
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const run = (program: string, ...args: string[]) => shell(`${quoteWords([join(folder, program)])} "$@"`, args)

  it('runs a script with its arguments, without the preparation', () => {
    for (const [program, ...first] of [['pnpm'], ['pnpm', 'run'], ['npx', '-y', 'pnpm@10'], ['npx', '--yes', 'pnpm']] as const) {
      const { out, status } = run(program, ...first, 'bench', ...awkward)
      expect(JSON.parse(out)).toEqual(awkward)
      expect(status).toBe(0)
    }
  })

  it('passes a status on', () => {
    expect(run('pnpm', 'fail').status).toBe(7)
    expect(run('pnpm', 'prepare-build').status).toBe(0)
  })

  it('finds the workspace tools', () => {
    expect(run('pnpm', 'exec', 'tool', 'a b').out).toBe('tool a b\n')
    expect(run('npx', 'tool', 'x').out).toBe('tool x\n')
  })

  it('says what it does not know', () => {
    const { status, err } = run('pnpm', 'install')
    expect(status).toBe(125)
    expect(err).toContain('not: install')
  })
})
