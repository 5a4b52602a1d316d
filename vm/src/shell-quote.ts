/**
 * Quotes one word for a POSIX shell, so that the shell reads back exactly these bytes.
 *
 * @param word any text without a NUL
 * @throws RangeError for a NUL, which no shell word can hold
 */
export function quoteWord(word: string): string {
  if (word.includes('\0')) throw new RangeError('a shell word cannot hold a NUL')
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

/** Quotes every word and joins them with blanks. */
export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(' ')
}

/**
 * Quotes a value for one QEMU option (`key=value,key=value`), where a comma is written twice.
 * Source: qemu(1), "-drive", "doubled commas".
 */
export function quoteQemuValue(value: string): string {
  return value.replaceAll(',', ',,')
}

/**
 * Quotes `key=value` for the kernel command line, which knows double quotes and no escapes.
 * Source: Documentation/admin-guide/kernel-parameters.rst.
 *
 * @throws RangeError when the value holds a double quote or a line break
 */
export function quoteKernelParameter(key: string, value: string): string {
  if (/["\n]/.test(value)) throw new RangeError(`the kernel command line cannot carry ${JSON.stringify(value)}`)
  return /\s/.test(value) ? `${key}="${value}"` : `${key}=${value}`
}
