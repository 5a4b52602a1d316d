type Handle = { fd?: number }

/** The descriptor of a socket or server of Node.js, which has no public way to it. */
export function descriptorOf(socket: object): number {
  const state = socket as { _handle?: Handle } & Record<symbol, { handle?: Handle } | undefined>
  const symbol = Object.getOwnPropertySymbols(state).find((key) => key.description === 'state symbol')
  const fd = state._handle?.fd ?? (symbol === undefined ? undefined : state[symbol]?.handle?.fd)
  if (fd === undefined || fd < 0) throw new Error('no descriptor')
  return fd
}
