import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { copiedShare } from '../src/record.js'
import { readRecord } from '../src/record-file.js'
import { picturesOf } from '../src/report/write-pictures.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folder = `${root}docs/results`

describe('the records of docs/results', async () => {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json'))

  it.each(names)('%s is a whole record of a clean run, by what this program reads', async (name) => {
    const { complete, rows, host, command } = await readRecord(`${folder}/${name}`)
    expect([complete, host.dirty]).toEqual([true, false])
    expect(`${command}.json`).toBe(name)
    // README says so beside the pictures.
    expect(copiedShare(rows)).toBe(1)
  })

  it('give README its pictures, as they are drawn today', async () => {
    const readme = await readFile(`${root}README.md`, 'utf8')
    const shown = [...new Set([...readme.matchAll(/docs\/pictures\/([\w-]+\.svg)/gu)].map(([, name]) => name as string))]
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
