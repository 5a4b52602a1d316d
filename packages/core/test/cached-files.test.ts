import { expect, it } from 'vitest'
import { CachedFiles } from '../src/writer/cached-files.js'

const range = (offset: number, bytes: number, inode = 7, changedAt = 1) => ({ inode, changedAt, offset, bytes })

it('knows what was found, and nothing beside it', () => {
  const files = new CachedFiles()
  files.add(range(100, 50), 0)
  expect(files.has(range(100, 50), 1)).toBe(true)
  expect(files.has(range(110, 20), 1)).toBe(true)
  expect(files.has(range(99, 10), 1)).toBe(false)
  expect(files.has(range(149, 2), 1)).toBe(false)
  expect(files.has(range(100, 50, 8), 1)).toBe(false)
  expect(files.has(range(100, 50, 7, 2), 1)).toBe(false)
})

it('joins what follows, and forgets all of it a second after its first look', () => {
  const files = new CachedFiles()
  files.add(range(0, 10), 0)
  files.add(range(10, 10), 900)
  expect(files.has(range(0, 20), 999)).toBe(true)
  expect(files.has(range(10, 10), 1_000)).toBe(false)
  files.add(range(20, 10), 1_000)
  expect(files.has(range(10, 20), 1_001)).toBe(false)
  expect(files.has(range(20, 10), 1_001)).toBe(true)
})

it('does not join a later file that has the same number', () => {
  const files = new CachedFiles()
  files.add(range(0, 10), 0)
  files.add(range(10, 10, 7, 2), 0)
  expect(files.has(range(0, 20, 7, 2), 0)).toBe(false)
  expect(files.has(range(0, 20), 0)).toBe(false)
})

it('remembers no file whose number is unknown', () => {
  const files = new CachedFiles()
  files.add(range(0, 10, 0), 0)
  expect(files.has(range(0, 10, 0), 0)).toBe(false)
})

it('remembers 256 files, the last ones', () => {
  const files = new CachedFiles()
  for (let inode = 1; inode <= 257; inode++) files.add(range(0, 10, inode), 0)
  expect(files.has(range(0, 10, 1), 0)).toBe(false)
  expect(files.has(range(0, 10, 2), 0)).toBe(true)
  expect(files.has(range(0, 10, 257), 0)).toBe(true)
})
