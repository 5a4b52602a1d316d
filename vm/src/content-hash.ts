import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One thing that decides the outcome of a build. */
export interface HashPart {
  readonly name: string
  readonly content: string | Buffer
}

/**
 * Hash over named parts, in the order given. Names and lengths are hashed too, so that moving
 * a byte from one part to the next gives another hash.
 *
 * @returns 24 hexadecimal digits
 */
export function contentHash(parts: readonly HashPart[]): string {
  const hash = createHash('sha256')
  for (const { name, content } of parts) {
    const bytes = typeof content === 'string' ? Buffer.from(content) : content
    hash.update(`${Buffer.byteLength(name)}:${name}:${bytes.length}:`)
    hash.update(bytes)
  }
  return hash.digest('hex').slice(0, 24)
}

/**
 * Reads the files of a folder as parts, in name order; a missing folder has none.
 *
 * @param accept which file names count
 */
export function folderParts(folder: string, accept: (name: string) => boolean): HashPart[] {
  return listFiles(folder, '')
    .filter((name) => accept(name))
    .sort()
    .map((name) => ({ name, content: readFileSync(join(folder, name)) }))
}

function listFiles(folder: string, prefix: string): string[] {
  try {
    return readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
      const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`
      return entry.isDirectory() ? listFiles(folder, name) : [name]
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
