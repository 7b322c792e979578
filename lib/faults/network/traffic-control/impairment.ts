import { formatMs } from '../../../core/index.ts'
import { formatRate } from './rate.ts'

/** What is done to packets on their way, each in its own direction. Percentages are of packets, above 0 and up to 100. */
export interface Impairment {
  /** Each packet waits for `delayMs` and up to `jitterMs` more. */
  readonly delay?: { readonly delayMs: number; readonly jitterMs: number; readonly correlation?: number }
  readonly lossPercent?: number
  /** A bit of the packet is flipped. */
  readonly corruptPercent?: number
  /** The packet is sent twice. */
  readonly duplicatePercent?: number
  /** These packets overtake the others, which are delayed; needs {@link delay}. */
  readonly reorderPercent?: number
  readonly rateBitsPerSecond?: number
  /** Nothing comes through. */
  readonly isDown?: boolean
}

/** What an impairment needs of the kernel. */
export type ImpairmentPart = 'delay' | 'loss' | 'corruption' | 'duplication' | 'reordering' | 'rate' | 'silence'

/** The parts of an impairment. */
export function partsOf(impairment: Impairment): readonly ImpairmentPart[] {
  const { delay, lossPercent, corruptPercent, duplicatePercent, reorderPercent, rateBitsPerSecond, isDown } = impairment
  const parts: (ImpairmentPart | false)[] = [
    delay !== undefined && 'delay',
    lossPercent !== undefined && 'loss',
    corruptPercent !== undefined && 'corruption',
    duplicatePercent !== undefined && 'duplication',
    reorderPercent !== undefined && 'reordering',
    rateBitsPerSecond !== undefined && 'rate',
    isDown === true && 'silence',
  ]
  return parts.filter((part) => part !== false)
}

/** An impairment in words: `delays packets by 100ms to 120ms, loses 5 %`. */
export function inWords(impairment: Impairment): string {
  const { delay, lossPercent, corruptPercent, duplicatePercent, reorderPercent, rateBitsPerSecond, isDown } = impairment
  const words = [
    delay &&
      `delays packets by ${formatMs(delay.delayMs)}${delay.jitterMs > 0 ? ` to ${formatMs(delay.delayMs + delay.jitterMs)}` : ''}`,
    lossPercent !== undefined && `loses ${lossPercent} % of packets`,
    corruptPercent !== undefined && `flips a bit in ${corruptPercent} % of packets`,
    duplicatePercent !== undefined && `sends ${duplicatePercent} % of packets twice`,
    reorderPercent !== undefined && `lets ${reorderPercent} % of packets overtake the others`,
    rateBitsPerSecond !== undefined && `carries ${formatRate(rateBitsPerSecond)}`,
    isDown === true && 'carries nothing while it is down',
  ]
  return words.filter((word) => typeof word === 'string').join(', ')
}
