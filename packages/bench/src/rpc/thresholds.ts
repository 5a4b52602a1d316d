import { read } from '../cli/command-line.js'
import { MAX_REQUEST_BYTES } from './rpc-frame.js'

const thresholds = read.wholes(0, MAX_REQUEST_BYTES, true)

/** Reads `0,10K,never`: bytes, null = never. */
export const thresholdList = read.path.transform((text, context): (number | null)[] => {
  const words = text.split(',').map((word) => word.trim())
  const numbers = words.filter((word) => word !== 'never').join(',')
  const parsed = numbers === '' ? [] : thresholds.safeParse(numbers).data
  if (parsed !== undefined) return [...parsed, ...(words.includes('never') ? [null] : [])]
  context.addIssue(`"${text}" is not a list of bytes (K and M allowed) and "never"`)
  return []
})
