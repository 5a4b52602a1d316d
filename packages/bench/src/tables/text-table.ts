/** How a column is set. */
export type Alignment = 'left' | 'right'

/** Space between two columns. */
const GUTTER = '  '

/**
 * Sets rows as aligned plain text.
 * @param header - one title per column; also fixes how many columns there are
 * @param rows - cells; a missing one is empty, one too many is an error in the caller
 * @param alignment - one per column; `right` beyond its end
 * @returns lines, without a line break at the end
 */
export function textTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  alignment: readonly Alignment[] = ['left'],
): string[] {
  for (const row of rows) {
    if (row.length > header.length) throw new RangeError(`A row has ${row.length} cells, the table ${header.length} columns.`)
  }
  const widths = header.map((title, column) => Math.max(width(title), ...rows.map((row) => width(row[column] ?? ''))))
  const line = (cells: readonly string[]): string =>
    widths
      .map((columnWidth, column) => pad(cells[column] ?? '', columnWidth, alignment[column] ?? 'right'))
      .join(GUTTER)
      .trimEnd()
  return [line(header), widths.map((columnWidth) => '-'.repeat(columnWidth)).join(GUTTER), ...rows.map(line)]
}

/** Code points, not UTF-16 units: `±` and `µ` are one column wide. */
function width(text: string): number {
  return [...text].length
}

function pad(text: string, columnWidth: number, alignment: Alignment): string {
  const space = ' '.repeat(Math.max(0, columnWidth - width(text)))
  return alignment === 'left' ? text + space : space + text
}
