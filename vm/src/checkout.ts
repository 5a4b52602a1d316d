import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { VmError } from './errors.js'

/**
 * Root folder of this checkout, all links resolved.
 *
 * @throws VmError when its path holds a character that mount options or the kernel command line cannot carry
 */
export function checkoutFolder(): string {
  const folder = realpathSync(fileURLToPath(new URL('../..', import.meta.url)))
  if (/[,:"\\\s]/.test(folder)) {
    throw new VmError(`the checkout's path "${folder}" holds a blank, comma, colon, quote or backslash: move it to a plain path`)
  }
  return folder
}
