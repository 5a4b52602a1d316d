import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BenchFailure, ExitStatus, messageOf } from '../cli/failure.js'
import type { BenchRecord } from '../record/record.js'
import { machineOf, NATIVE, wayOf } from './environment.js'
import { IdSource } from './html.js'
import { COLOUR_STYLE } from './page-style.js'
import { recordSection } from './record-section.js'

/** Longest name of a picture, in characters, without its ending. */
const MAX_NAME = 120

/** A picture that needs no page. */
export interface Picture {
  /** Name of its file, with the ending. */
  name: string
  /** SVG; follows the reader's light or dark theme by itself. */
  svg: string
}

/**
 * Every picture of some records as a file of its own, as a README can show it.
 * @param records - two of one command and one place would have pictures of the same names
 */
export function picturesOf(records: readonly BenchRecord[]): Picture[] {
  return records.flatMap((record) => {
    const { markup } = recordSection(record, 'record', new IdSource())
    return [...markup.matchAll(/<svg\b[^>]*\bclass="plot"[^>]*>.*?<\/svg>/gsu)].map(([svg]) => ({
      name: `${record.command}-${placeOf(record)}${nameOf(svg)}.svg`,
      svg: alone(svg),
    }))
  })
}

/** Part of a picture's name for the machine and the path of its bytes: empty for a real machine's own loopback. */
function placeOf(record: BenchRecord): string {
  const { model } = machineOf(record)
  const words = `${model === NATIVE ? '' : `vm ${model} `}${wayOf(record) === 'loopback' ? '' : wayOf(record)}`.match(/[a-z0-9]+/gu) ?? []
  return words.length === 0 ? '' : `${words.join('-')}-`
}

/** The picture's label as a file name. */
function nameOf(svg: string): string {
  const label = (/aria-label="([^"]*)"/u.exec(svg)?.[1] ?? '').replace(/\. The numbers.*$/u, '')
  const words = label.toLowerCase().match(/[a-z0-9]+/gu) ?? ['picture']
  return words.join('-').slice(0, MAX_NAME).replace(/-$/u, '')
}

/** Gives it the page's colours, letters and ground, and ids of its own: the library counts them through all that it draws. */
function alone(svg: string): string {
  const ids = new Map<string, string>()
  const numbered = svg.replace(/\bplot-[a-z]+-\d+/gu, (id) => {
    const own = ids.get(id) ?? id.replace(/\d+$/u, String(ids.size + 1))
    ids.set(id, own)
    return own
  })
  const style = `<style>${COLOUR_STYLE}svg{color:var(--ink);font-family:system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}</style>`
  return numbered.replace(/^<svg\b[^>]*>/u, (tag) => `${tag}${style}<rect width="100%" height="100%" fill="var(--panel)"/>`)
}

/**
 * Writes the pictures of some records into a folder, which is made when it is missing. Older files of the same names are replaced.
 * @returns their names
 * @throws BenchFailure when two have one name, or one cannot be written
 */
export async function writePictures(records: readonly BenchRecord[], folder: string): Promise<string[]> {
  const pictures = picturesOf(records)
  const names = pictures.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined)
    throw new BenchFailure(`--pictures: two pictures would be called ${twice}: name one record of each command and place.`)
  try {
    await mkdir(folder, { recursive: true })
    for (const { name, svg } of pictures) await writeFile(join(folder, name), `${svg}\n`)
  } catch (error) {
    throw new BenchFailure(`Cannot write pictures to ${folder}: ${messageOf(error)}`, ExitStatus.Failed, error)
  }
  return names
}
