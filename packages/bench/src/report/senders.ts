import { ANCESTORS, BACKENDS, BASELINE, NAMED_PATHS, PEERS } from '../cells/cell.js'
import type { Row } from '../record/record.js'

/** A path of ours, or a sender that is not ours. */
export type Sender = Row['backend']

/** How a sender looks in every picture. Colour is never the only sign: a shape, a dash and a direct label go with it. */
export interface SenderStyle {
  /** In running text and at the end of a line. */
  label: string
  /** CSS custom property with the colour, see page-style.ts. */
  colour: string
  symbol: 'circle' | 'square' | 'triangle' | 'diamond' | 'cross' | 'star'
  /** SVG stroke-dasharray; undefined = solid. */
  dash: string | undefined
}

const OWN_STYLES: Record<(typeof BACKENDS)[number], SenderStyle> = {
  'errqueue-recvmsg': { label: 'errqueue', colour: 'var(--errqueue)', symbol: 'circle', dash: undefined },
  'errqueue-recvmmsg': { label: 'recvmmsg', colour: 'var(--recvmmsg)', symbol: 'square', dash: '7 3' },
  inline: { label: 'inline', colour: 'var(--inline)', symbol: 'diamond', dash: undefined },
  uring: { label: 'uring', colour: 'var(--uring)', symbol: 'triangle', dash: undefined },
  auto: { label: 'auto', colour: 'var(--auto)', symbol: 'star', dash: '10 3 2 3' },
  copy: { label: 'copy', colour: 'var(--copy)', symbol: 'cross', dash: '2 3' },
}

const ORDER: readonly Sender[] = [
  BASELINE,
  'errqueue-recvmmsg',
  'inline',
  'never',
  'uring',
  'uring-fixed',
  'copy',
  'auto',
  ...ANCESTORS,
  ...PEERS,
]

/** The style of a sender; foreign ones share one colour and have a label each. */
export function styleOf(sender: Sender): SenderStyle {
  const own = (OWN_STYLES as Partial<Record<Sender, SenderStyle>>)[sender]
  return own ?? { label: sender, colour: 'var(--peer)', symbol: 'star', dash: '1 2' }
}

/** The baseline first, as in the paper, then the others in a fixed order, peers last. */
export function sortSenders(senders: Iterable<Sender>): Sender[] {
  return [...new Set(senders)].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))
}

/** True for the paths that were asked not to copy. */
export function asksForZeroCopy(sender: Sender): boolean {
  return ([...BACKENDS, ...NAMED_PATHS] as readonly Sender[]).includes(sender) && sender !== 'copy' && sender !== 'auto'
}

/** The meaning of the labels, for the legend. */
export const LABEL_MEANINGS: Record<string, string> = {
  sendfile: 'sendfile: from the page cache to the socket; nobody tells when it is done',
  splice: 'splice: from the page cache through a pipe; nobody tells when it is done',
  vmsplice: 'vmsplice + splice: from memory through a pipe; nobody tells when it is done',
  errqueue: 'notifications from the error queue, one range per recvmsg: the baseline, as in the paper',
  recvmmsg: 'notifications from the error queue, many ranges per recvmmsg',
  inline: 'notifications in sendmsg’s own control data (SCM_ZC_NOTIFICATION)',
  never: 'notifications left in the queue until the end; of the C sender only',
  uring: 'io_uring SEND_ZC',
  'uring-fixed': 'io_uring SEND_ZC from memory that is registered with the ring',
  copy: 'plain sendmsg: the kernel copies',
  auto: 'what auto() chose: it stops asking for zero-copy where the kernel copies anyway',
}
