import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { longFiles } from '../list-long-files.mjs'
import { arrows, cycles } from '../print-rooms.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))

it('a cycle names the rooms that reach each other, and no others', () => {
  const counts = new Map(['a -> b', 'b -> c', 'c -> a', 'c -> d', 'e -> a'].map((arrow) => [arrow, 1]))
  expect(cycles(counts)).toEqual(['a, b, c'])
  counts.delete('c -> a')
  expect(cycles(counts)).toEqual([])
})

it('the backends build on core, and no package needs one that needs it', () => {
  const counts = arrows(root)
  expect([...counts.keys()]).toEqual(expect.arrayContaining(['sendmsg -> core', 'uring -> core', 'sendzc -> uring', 'bench -> socket']))
  expect(cycles(counts)).toEqual([])
})

it.each(['core', 'sendmsg', 'uring', 'sendzc', 'socket', 'bench'])('no room of %s needs one that needs it', (name) => {
  expect(cycles(arrows(root, name))).toEqual([])
})

it('no file is longer than the house allows', () => {
  expect(longFiles(root, 450)).toEqual([])
  expect(longFiles(root, 10).map(([, path]) => path)).toContain('scripts/list-long-files.mjs')
})
