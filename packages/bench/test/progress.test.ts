import { describe, expect, it } from 'vitest'
import { duration, Progress } from '../src/cli/progress.js'

function plain(): { lines: string[]; stream: { write(text: string): void } } {
  const lines: string[] = []
  return { lines, stream: { write: (text) => void lines.push(text) } }
}

describe('progress', () => {
  it('writes plain lines where there is no terminal, seldom', () => {
    let now = 0
    const { lines, stream } = plain()
    const progress = new Progress(100_000, stream, () => now)
    for (let step = 0; step < 100; step++) {
      now += 1_000
      progress.advance(1_000, `cell ${step}`)
    }
    expect(lines[0]).toBe('  1 %  1:39 left  cell 0\n')
    expect(lines).toHaveLength(10)
  })

  it('corrects what is left by how long it has really taken', () => {
    let now = 0
    const { lines, stream } = plain()
    const progress = new Progress(100_000, stream, () => now)
    now = 100_000
    progress.advance(50_000, 'slow machine')
    expect(lines).toEqual([' 50 %  1:40 left  slow machine\n'])
  })

  it('draws a bar on a terminal, and takes it away', () => {
    let text = ''
    const write = (part: string): void => {
      text += part
    }
    const stream = { isTTY: true, columns: 60, write }
    const progress = new Progress(1_000, stream, () => 0)
    progress.advance(500, 'a label that is far too long for sixty columns, so that it is cut')
    expect(text).toContain('[############............]  50 %')
    expect(text.split('\r').at(-1)?.length ?? 0).toBeLessThan(80)
    progress.finish()
  })

  it('writes minutes and seconds', () => {
    expect([0, 999, 65_000, 3_600_000].map(duration)).toEqual(['0:00', '0:01', '1:05', '60:00'])
  })
})
