import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { copiedShare, type Row } from '../src/record/record.js'
import { readRecord } from '../src/record/record-file.js'
import { groupRecords, machineOf } from '../src/report/environment.js'
import { picturesOf } from '../src/report/write-pictures.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = `${root}docs/results`

/** The word behind the command in the name of a record, and the place that such a record must name. */
const PLACES = {
  host: ['native', 'loopback', 'copying'],
  loopback: ['throughput', 'loopback', 'without copy'],
  net: ['throughput', 'remote', 'copying'],
  instructions: ['instructions', 'loopback', 'without copy'],
  wire: ['native', 'wire', 'copying'],
} as const

/** A row of a path that asks for zero-copy with every send. */
function asksAlways({ backend, rpc }: Row): boolean {
  return !['copy', 'auto', 'net.Socket.write', 'dgram.send'].includes(backend) && (rpc === undefined || rpc.thresholdBytes === 0)
}

/** Time, in ms, to draw the pictures of every record on a busy machine. */
const DRAWING_MS = 120_000

describe('the records of docs/results', async () => {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'))

  it.each(names)('%s is a whole record of a clean run, and its name says where it was made', async (name) => {
    const record = await readRecord(`${folder}/${name}`)
    const { complete, rows, host, command, path, options } = record
    expect([complete, host.dirty]).toEqual([true, false])
    const [, named, inMachine, onWire, place = inMachine ?? onWire ?? 'host'] =
      /^([a-z]+)(?:-vm-([a-z]+)|-(wire)(?:-[a-z0-9]+)?)?\.json$/u.exec(name) ?? []
    const way = [machineOf(record).model, path.kind, options.loopbackWithoutCopy === true ? 'without copy' : 'copying']
    expect([named, way]).toEqual([command, PLACES[place as keyof typeof PLACES]])
    // docs/figures.md says so beside the pictures: all of it was copied here, less than a tenth there. The kernel's word on uring's joined sends, of
    // which `connections` between the interfaces makes many, is no evidence of a copy: see uring().
    const telling = rows.filter((row) => asksAlways(row) && !(name === 'connections-vm-net.json' && row.backend === 'uring'))
    if (place === 'host') expect(copiedShare(rows)).toBe(1)
    else expect(copiedShare(telling) ?? 0).toBeLessThan(0.1)
  })

  it('stand in a section of the report for each place', async () => {
    const groups = groupRecords(await Promise.all(names.map((name) => readRecord(`${folder}/${name}`))))
    for (const { records, model } of groups) expect(new Set(records.map((record) => machineOf(record).model))).toEqual(new Set([model]))
    const placed = groups.flatMap(({ title, records }) => records.map(({ path }) => [title.includes('· to '), path.kind === 'remote']))
    for (const [named, remote] of placed) expect(named).toBe(remote)
    expect(placed).toHaveLength(names.length)
  })

  it('give README and docs/figures.md their pictures, as they are drawn today', { timeout: DRAWING_MS }, async () => {
    const pages = (await readFile(`${root}README.md`, 'utf8')) + (await readFile(`${root}docs/figures.md`, 'utf8'))
    const shown = [...new Set([...pages.matchAll(/"(?:docs\/)?pictures\/([\w-]+\.svg)"/gu)].map(([, name]) => name as string))]
    expect(shown.length).toBeGreaterThan(0)
    expect((await readdir(`${root}docs/pictures`)).sort()).toEqual(shown.sort())
    const drawn = picturesOf(await Promise.all(names.map((name) => readRecord(`${folder}/${name}`))))
    for (const name of shown) {
      expect(existsSync(`${root}docs/pictures/${name}`), name).toBe(true)
      const { svg } = drawn.find((picture) => picture.name === name) ?? { svg: '' }
      expect(
        `${svg}\n` === (await readFile(`${root}docs/pictures/${name}`, 'utf8')),
        `${name} is as bench report --pictures draws it`,
      ).toBe(true)
    }
  })
})
