import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { BenchRecord } from '../../src/record/record.js'
import { writeRecord } from '../../src/record/record-file.js'
import { runReport } from '../../src/report/run-report.js'
import { picturesOf } from '../../src/report/write-pictures.js'
import { writeReport } from '../../src/report/write-report.js'
import { row } from '../rows.js'
import { syntheticRecord, syntheticSweep } from './synthetic-records.js'
import { syntheticRpc } from './synthetic-times.js'

let folder: string
let out: string
let stderr: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'report-command-'))
  out = join(folder, 'report.html')
  stderr = ''
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text)
    return true
  })
  vi.spyOn(process.stdout, 'write').mockReturnValue(true)
})

afterEach(async () => {
  vi.restoreAllMocks()
  await rm(folder, { recursive: true, force: true })
})

const small = (): BenchRecord => syntheticSweep({ backends: ['errqueue-recvmsg'], rounds: 1, intervals: [1] })

async function saved(name: string, content: BenchRecord | string): Promise<string> {
  const path = join(folder, name)
  if (typeof content === 'string') await writeFile(path, content)
  else await writeRecord(path, content)
  return path
}

describe('bench report', () => {
  it('writes one file from records and leaves nothing else', async () => {
    const path = await saved('a.json', small())
    expect(await runReport([path, '--out', out])).toBe(0)
    expect((await readdir(folder)).sort()).toEqual(['a.json', 'report.html'])
    const page = await readFile(out, 'utf8')
    expect([page.slice(0, 15), page.slice(-8)]).toEqual(['<!doctype html>', '</html>\n'])
  })

  it('writes every picture as a file of its own, and refuses two of one name', async () => {
    const path = await saved('a.json', small())
    const pictures = join(folder, 'pictures')
    expect(await runReport([path, '--out', out, '--pictures', pictures])).toBe(0)
    const names = await readdir(pictures)
    const page = await readFile(out, 'utf8')
    expect(names).toHaveLength((page.match(/<svg\b[^>]*class="plot"/gu) ?? []).length)
    expect(names).toContain('sweep-throughput-in-mb-s-over-the-interval-driver-level-tcpv4.svg')
    for (const name of names) {
      const svg = await readFile(join(pictures, name), 'utf8')
      expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"[^>]*><style>:root \{ color-scheme: light dark;/u)
      // Every colour that it names it also has.
      for (const [, colour] of svg.matchAll(/var\((--[a-z]+)\)/gu)) expect(svg).toContain(`${colour}: light-dark(`)
    }
    expect(await runReport([path, await saved('b.json', small()), '--out', out, '--pictures', pictures])).toBe(2)
    expect(stderr).toContain('name one record of each command')
  })

  it('names the pictures of a virtual machine, and of another way of the bytes, after those', async () => {
    const path = await saved('a.json', small())
    const options = { ...small().options, machineModel: 'throughput', loopbackWithoutCopy: true }
    const vm = await saved('b.json', { ...small(), options })
    const far = await saved('c.json', { ...small(), path: { kind: 'remote', host: '10.77.0.2', senderCpu: 0, receiverCpu: null } })
    const pictures = join(folder, 'pictures')
    expect(await runReport([path, vm, far, '--out', out, '--pictures', pictures])).toBe(0)
    const names = await readdir(pictures)
    for (const place of ['', 'vm-throughput-loopback-that-does-not-copy-', 'to-10-77-0-2-'])
      expect(names).toContain(`sweep-${place}throughput-in-mb-s-over-the-interval-driver-level-tcpv4.svg`)
  })

  it('draws a picture alike whatever was drawn before it', async () => {
    const rpc = syntheticRpc()
    const [alone, after] = [picturesOf([rpc]), picturesOf([small(), rpc, rpc])]
    expect(alone.some(({ svg }) => svg.includes('url(#plot-'))).toBe(true)
    for (const picture of alone) expect(after).toContainEqual(picture)
  })

  it('reads what a run that was cut off left', async () => {
    const { rows, ...frame } = small()
    const text = [{ ...frame, complete: false, rows: [] }, ...rows].map((one) => `${JSON.stringify(one)}\n`).join('')
    const path = await saved('a.json.partial', `${text}{"transport":"tc`)
    expect(await runReport([path, '--out', out])).toBe(0)
    expect(await readFile(out, 'utf8')).toContain('The run was interrupted')
  })

  it.each([
    ['of another version', () => JSON.stringify({ ...small(), schemaVersion: 99 }), /version 99/u],
    ['that is truncated', () => JSON.stringify(small()).slice(0, 500), /truncated/u],
    ['that is something else', () => '{"a": 1}', /not a record/u],
    ['with a row that is none', () => JSON.stringify({ ...small(), rows: [{ ...row(), transport: 'sctp' }] }), /not a valid record/u],
  ])('refuses a record %s in one line, and keeps the report that was there', async (_what, content, message) => {
    await writeFile(out, 'before')
    const good = await saved('good.json', small())
    const bad = await saved('bad.json', content())
    expect(await runReport([good, bad, '--out', out])).not.toBe(0)
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(await readFile(out, 'utf8')).toBe('before')
    expect((await readdir(folder)).sort()).toEqual(['bad.json', 'good.json', 'report.html'])
  })

  it.each([
    ['a file that is not there', ['missing.json'], /Cannot read the record/u],
    ['an unknown option', ['--colour'], /--colour/u],
    ['a record’s name for the report', ['--out', 'x.json'], /name of a record/u],
    ['a folder for the report', ['--out', 'x/'], /name of a file/u],
  ])('refuses %s in one line', async (_what, argv, message) => {
    expect(await runReport(argv)).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  it('says that a file cannot be written, and leaves no half of it', async () => {
    const path = await saved('a.json', small())
    expect(await runReport([path, '--out', join(path, 'report.html')])).toBe(1)
    expect(stderr).toMatch(/Cannot write the report/u)
    expect(await readdir(folder)).toEqual(['a.json'])
  })

  it('gives a command that it does not know a table of every cell', async () => {
    await writeReport({ records: [syntheticRecord('something', [row(), row({ backend: 'uring' })])], outFile: out })
    const page = await readFile(out, 'utf8')
    expect(page).toContain('This program has no picture for “something”')
    expect(page).toContain('<th scope="row">TCPv4</th><td class="text">uring</td>')
  })

  it('escapes what a record says', async () => {
    const record = syntheticRecord('<script>alert(1)</script>', [], { notes: ['<img src=x>'] })
    await writeReport({ records: [record], outFile: out })
    const page = await readFile(out, 'utf8')
    expect(page).not.toMatch(/<script>alert|<img/u)
  })

  it('refuses to report on nothing', async () => {
    await expect(writeReport({ records: [], outFile: out })).rejects.toThrow('There is no record to report on.')
  })
})
