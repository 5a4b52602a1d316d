// Prints the rooms of the code, which are its folders, and the arrows between them: `node scripts/print-rooms.mjs [PACKAGE]`.
//   without PACKAGE: every package is a room; with it (`bench`): every folder of its src is one
// An arrow A -> B stands for the import statements of A's files that name a file of B. Rooms that reach each other both ways are a cycle.
import { readFileSync } from 'node:fs'
import { join, posix, resolve } from 'node:path'
import ts from 'typescript'
import { trackedFiles } from './tidy.mjs'

/** Names of packages and the folders that hold them. */
function packagesOf(root, paths) {
  const manifests = paths.filter((path) => /^(packages\/[^/]+|vm|examples)\/package\.json$/.test(path))
  return new Map(manifests.map((path) => [JSON.parse(readFileSync(join(root, path), 'utf8')).name, posix.dirname(path)]))
}

/** The path that an import names, as far as it lies in this repository; undefined elsewhere. */
function target(from, specifier, packages) {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(from), specifier)
  const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
  const folder = packages.get(name)
  return folder === undefined ? undefined : `${folder}/src/index.js`
}

/**
 * @param {string} root
 * @param {string} [only] - the package whose folders are the rooms; undefined = the packages are
 * @returns {Map<string, number>} how many imports lead from room to room
 */
export function arrows(root, only) {
  const paths = trackedFiles(root)
  const packages = packagesOf(root, paths)
  const within = only === undefined ? undefined : `packages/${only}/src/`
  const room = (path) => {
    if (within === undefined) return /^(?:packages\/)?([^/]+)\/src\//.exec(path)?.[1]
    if (!path.startsWith(within)) return undefined
    const rest = path.slice(within.length)
    return rest.includes('/') ? rest.slice(0, rest.indexOf('/')) : '.'
  }
  const counts = new Map()
  for (const path of paths.filter((one) => one.endsWith('.ts') && room(one) !== undefined)) {
    for (const { fileName } of ts.preProcessFile(readFileSync(join(root, path), 'utf8')).importedFiles) {
      const named = target(path, fileName, packages)
      const [from, to] = [room(path), named === undefined ? undefined : room(named)]
      if (to === undefined || to === from) continue
      counts.set(`${from} -> ${to}`, (counts.get(`${from} -> ${to}`) ?? 0) + 1)
    }
  }
  return counts
}

/** Groups of rooms that all reach each other. */
export function cycles(counts) {
  const next = new Map()
  for (const arrow of counts.keys()) {
    const [from, to] = arrow.split(' -> ')
    next.set(from, [...(next.get(from) ?? []), to])
  }
  const reached = (from) => {
    const found = new Set()
    const todo = [...(next.get(from) ?? [])]
    for (let room = todo.pop(); room !== undefined; room = todo.pop()) {
      if (found.has(room)) continue
      found.add(room)
      todo.push(...(next.get(room) ?? []))
    }
    return found
  }
  const reach = new Map([...next.keys()].map((room) => [room, reached(room)]))
  const groups = [...reach].filter(([room, found]) => found.has(room))
  return [
    ...new Set(
      groups.map(([room, found]) =>
        [...found]
          .filter((other) => reach.get(other)?.has(room))
          .sort()
          .join(', '),
      ),
    ),
  ].sort()
}

if (resolve(process.argv[1] ?? '') === import.meta.filename) {
  const counts = arrows(resolve(import.meta.dirname, '..'), process.argv[2])
  const sorted = [...counts].sort(([a], [b]) => a.localeCompare(b))
  const width = Math.max(0, ...sorted.map(([arrow]) => arrow.length))
  for (const [arrow, count] of sorted) console.log(`${arrow.padEnd(width)}  ${String(count).padStart(3)}`)
  const found = cycles(counts)
  console.log(`\n${counts.size} arrows, ${found.length} ${found.length === 1 ? 'cycle' : 'cycles'}`)
  for (const rooms of found) console.log(`cycle: ${rooms}`)
}
