/** Digits of a rate or a cost that a reader can use: three or so significant ones. */
export function shortNumber(value: number): string {
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2
  return grouped(value.toFixed(digits))
}

/** A number at a tick: as few digits as it has. */
export function tickText(value: number): string {
  return grouped(String(Number(value.toPrecision(6))))
}

/** Commas between thousands; the minus sign is a real one. */
export function grouped(text: string): string {
  const [whole = '', fraction] = text.split('.')
  const separated = whole.replace(/\B(?=(\d{3})+$)/gu, ',').replace('-', '−')
  return fraction === undefined ? separated : `${separated}.${fraction}`
}

/** `+12.3 %`, with a real minus sign. */
export function signedPercent(value: number): string {
  const text = Math.abs(value).toFixed(1)
  return `${value < 0 && text !== '0.0' ? '−' : '+'}${text} %`
}

/** A share as percent, rounded outwards, so that 100 % and 0 % mean all and none. */
export function sharePercent(share: number): string {
  if (share === 0 || share === 1) return `${share * 100} %`
  return `${Math.min(99.9, Math.max(0.1, share * 100)).toFixed(1)} %`
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(words: readonly string[]): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} and ${words[words.length - 1]}`
}

/** Bytes as the field writes sizes: `64K`, `1M`; others with commas. */
export function sizeText(bytes: number): string {
  if (bytes >= 1_048_576 && bytes % 1_048_576 === 0) return `${bytes / 1_048_576}M`
  if (bytes >= 1_024 && bytes % 1_024 === 0) return `${bytes / 1_024}K`
  return grouped(String(bytes))
}

/** `22 Nov 2026, 03:10 UTC`. */
export function dateText(iso: string): string {
  const date = new Date(iso)
  const day = date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' })
  return `${day}, ${date.toISOString().slice(11, 16)} UTC`
}
