/** One program's part of the selftests' output. */
export interface SelftestFrame {
  readonly name: string
  readonly output: string
  /** Exit status; `undefined` when the guest ended before the program did. */
  readonly status: number | undefined
}

/**
 * Splits what guest/selftests prints into the programs' own outputs.
 *
 * @param text whole standard output of guest/selftests
 */
export function selftestFrames(text: string): SelftestFrame[] {
  const frames: SelftestFrame[] = []
  let name: string | undefined
  let lines: string[] = []
  for (const line of text.split('\n')) {
    const begin = /^sendzc selftest begin (.+)$/.exec(line)
    const end = /^sendzc selftest end (.+) (\d+)$/.exec(line)
    if (begin !== null) {
      if (name !== undefined) frames.push({ name, output: lines.join('\n'), status: undefined })
      name = begin[1]
      lines = []
    } else if (end !== null && end[1] === name) {
      frames.push({ name: end[1] as string, output: lines.join('\n'), status: Number(end[2]) })
      name = undefined
    } else lines.push(line)
  }
  if (name !== undefined) frames.push({ name, output: lines.join('\n'), status: undefined })
  return frames
}

/**
 * Reads the last line `N passed, N failed[, N skipped]` of a suite's output.
 *
 * @returns `undefined` when there is none
 */
export function suiteTotals(output: string): { passed: number; failed: number; skipped: number } | undefined {
  const all = [...output.matchAll(/^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?\s*$/gm)]
  const last = all.at(-1)
  return last && { passed: Number(last[1]), failed: Number(last[2]), skipped: Number(last[3] ?? 0) }
}
