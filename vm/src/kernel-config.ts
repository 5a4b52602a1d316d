/**
 * Reads a kernel config or a fragment of one: symbol to value, where `n` stands for "is not set".
 * A later line overrides an earlier one, as scripts/kconfig/merge_config.sh has it.
 */
export function parseKernelConfig(text: string): Map<string, string> {
  const symbols = new Map<string, string>()
  for (const line of text.split('\n')) {
    const set = /^(CONFIG_\w+)=(.*)$/.exec(line)
    if (set !== null) symbols.set(set[1] as string, set[2] as string)
    const unset = /^# (CONFIG_\w+) is not set$/.exec(line)
    if (unset !== null) symbols.set(unset[1] as string, 'n')
  }
  return symbols
}

/** A symbol that a fragment asks for and the final config does not have. */
export interface RefusedSymbol {
  readonly symbol: string
  readonly wanted: string
  readonly got: string
}

/**
 * Finds the symbols that `make olddefconfig` did not grant. It drops a symbol with an unmet dependency without a word,
 * so a fragment must be compared with the outcome.
 *
 * @param fragments texts in the order they were merged
 * @param finalConfig text of the resulting .config
 */
export function refusedSymbols(fragments: readonly string[], finalConfig: string): RefusedSymbol[] {
  const wanted = parseKernelConfig(fragments.join('\n'))
  const got = parseKernelConfig(finalConfig)
  return [...wanted]
    .map(([symbol, value]) => ({ symbol, wanted: value, got: got.get(symbol) ?? 'n' }))
    .filter(({ wanted: value, got: outcome }) => value !== outcome)
}
