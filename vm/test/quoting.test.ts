import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { packageManagerScript } from '../src/package-scripts.js'
import { settingsText } from '../src/run-folder.js'
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

describe('settingsText', () => {
  it('tells the guest every value unchanged, and holds only folders that would be covered', () => {
    const text = settingsText({
      checkout: '/home/x/check out',
      outputFolder: "/tmp/o'ut",
      runFolder: '/tmp/run',
      folders: ['/opt/node/bin', '/var/tmp/tests', '/tmpfiles'],
      commandPath: '/a:/b c',
      endMark: 'mark',
      environment: [['A', awkward.join('|')]],
      guest: { net: true, sysctls: [['net.ipv4.tcp_wmem', '1 2 3']] },
    })
    const show = `printf '%s;' "$checkout" "$network" "$SENDZC_VM_OUT" "$command_path" "$A"
      say() { printf '<%s>' "$@"; }
      each_held_folder say; each_sysctl say`
    expect(shell(`${text}\n${show}`).out).toBe(
      `/home/x/check out;on;/tmp/o'ut;/a:/b c;${awkward.join('|')};` +
        '</home/x/check out></tmp/run></var/tmp/tests><net.ipv4.tcp_wmem><1 2 3>',
    )
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
