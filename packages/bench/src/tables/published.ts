import type { AnyTransport, Transport } from '../cells/cell.js'
import type { RpcWorkload } from '../record/record.js'

/**
 * Gain of the inline notification over the error queue, in percent, by interval and transport: the tables under "Evaluation"
 * of "MSG_ZEROCOPY notifications in sendmsg's control data" (SCM_ZC_NOTIFICATION). Measured by its authors with the
 * kernel's selftest on one machine whose loopback did not copy on reception.
 */
export const PAPER_GAINS_PERCENT: ReadonlyMap<number, Readonly<Record<Transport, number>>> = new Map([
  [1, { tcp4: 17.42, tcp6: 16.7, udp4: 20.88, udp6: 26.34 }],
  [32, { tcp4: 6.0, tcp6: 8.28, udp4: 0.31, udp6: 0.01 }],
])

/**
 * "snd_zerocopy_lo" of the slides: sends on loopback in a run of unnamed length, without and with MSG_ZEROCOPY, on a kernel whose loopback
 * did not copy on reception. The slide cuts off RAW's figure with MSG_ZEROCOPY.
 */
export const SLIDES_LO: Partial<Record<AnyTransport, { std: number; zc: number | null }>> = {
  tcp4: { std: 437_082, zc: 1_028_184 },
  udp4: { std: 756_588, zc: 1_628_376 },
  raw4: { std: 429_126, zc: null },
}

/** One size of the slides' table. */
export interface SlidesSize {
  sizeBytes: number
  /** Cycles of zero-copy as percent of those of copying, in the sending process. */
  processPercent: number
  /** The same on all CPUs involved. */
  cpuPercent: number
}

/** "Evaluation" of the slides that introduced MSG_ZEROCOPY: netperf TCP_STREAM, cycles by perf stat. */
export const SLIDES_SIZES: readonly SlidesSize[] = [
  { sizeBytes: 4_096, processPercent: 41, cpuPercent: 79 },
  { sizeBytes: 16_384, processPercent: 18, cpuPercent: 67 },
  { sizeBytes: 65_536, processPercent: 11, cpuPercent: 64 },
  { sizeBytes: 262_144, processPercent: 10, cpuPercent: 63 },
  { sizeBytes: 1_048_576, processPercent: 8, cpuPercent: 61 },
]

/** "TensorFlow" of the slides: change of the wall clock by MSG_ZEROCOPY, in percent; requests of 2 bytes, of 98 KB, and a mixed workload. */
export const SLIDES_RPC_PERCENT: Readonly<Record<RpcWorkload, number>> = { small: 15, large: -23, mixed: -7.5 }

/** A profile of the slides. */
export interface SlidesProfile {
  path: 'std' | 'zc'
  /** Symbol of the kernel and its percentage of the samples. */
  symbols: readonly (readonly [string, number])[]
}

/** "Evaluation" of the slides: perf record of netperf TCP_STREAM, its first five symbols without and with MSG_ZEROCOPY. */
export const SLIDES_PROFILES: readonly SlidesProfile[] = [
  {
    path: 'std',
    symbols: [
      ['copy_user_generic_string', 79.41],
      ['tcp_sendmsg', 3.27],
      ['get_page_from_freelist', 1.66],
      ['tcp_ack', 0.79],
      ['__alloc_skb', 0.43],
    ],
  },
  {
    path: 'zc',
    symbols: [
      ['gup_pte_range', 30.36],
      ['__zerocopy_sg_from_iter', 14.63],
      ['skb_zerocopy_add_frags_iter', 8.03],
      ['__alloc_skb', 4.84],
      ['kmem_cache_alloc_node', 3.1],
    ],
  },
]
