// Lists the code's files of more than so many lines, longest first: `node scripts/list-long-files.mjs [LINES]`, 300 without LINES.
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { trackedFiles } from './tidy.mjs'

const DEFAULT_LINES = 300

/**
 * Lists the files of the repository with more than `most` lines, longest first.
 * @param {string} root
 * @returns {[lines: number, path: string][]}
 */
export function longFiles(root, most = DEFAULT_LINES) {
  return trackedFiles(root)
    .filter((path) => /\.(ts|mjs|js|cc|c|h)$/.test(path))
    .map((path) => [readFileSync(join(root, path), 'utf8').split('\n').length - 1, path])
    .filter(([lines]) => lines > most)
    .sort(([a], [b]) => b - a)
}

if (resolve(process.argv[1] ?? '') === import.meta.filename) {
  const most = Number(process.argv[2] ?? DEFAULT_LINES)
  const found = longFiles(resolve(import.meta.dirname, '..'), most)
  for (const [lines, path] of found) console.log(`${String(lines).padStart(5)}  ${path}`)
  console.log(`${found.length} files have more than ${most} lines`)
}
