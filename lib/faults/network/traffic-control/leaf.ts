import { FaultTargetError } from '../../errors.ts'
import { partsOf, type Impairment, type ImpairmentPart } from './impairment.ts'

/** What of traffic control a kernel was seen to have, or what it said when it was asked for it. */
export type KernelQueueing = Readonly<Record<QueueingKind, true | string>>

/** Kinds of queueing disciplines and filters that faults use. */
export type QueueingKind = 'htb' | 'u32' | 'netem' | 'tbf' | 'blackhole'

/** The queueing discipline that the hit packets go through. */
export interface Leaf {
  readonly kind: 'netem' | 'tbf' | 'blackhole'
  /** Its arguments as tc takes them. */
  readonly args: readonly string[]
}

/** Packets that netem holds at most: what would be more is dropped, as a full queue does. */
const NETEM_LIMIT = '10000'

/** tbf holds what it can send in this time. */
const TBF_QUEUE = '400ms'

const WHAT: Readonly<Record<ImpairmentPart, string>> = {
  delay: 'delay',
  loss: 'lose',
  corruption: 'corrupt',
  duplication: 'duplicate',
  reordering: 'reorder',
  rate: 'slow down',
  silence: 'swallow',
}

/**
 * The queueing discipline that does an impairment on a kernel: a rate alone by tbf, which netem only stands in for; all else by
 * netem.
 * @throws FaultTargetError that says what the kernel lacks and what it has
 */
export function leafOf(
  impairment: Impairment,
  { kernel, host, mtu }: { readonly kernel: KernelQueueing; readonly host: string; readonly mtu: number },
): Leaf {
  const parts = partsOf(impairment)
  if (kernel.htb !== true || kernel.u32 !== true) {
    const missing = (['htb', 'u32'] as const).filter((kind) => kernel[kind] !== true)
    throw new FaultTargetError(
      `The kernel of ${host} lacks ${missing.map((kind) => `${kind} (${String(kernel[kind])})`).join(' and ')}, so single peers cannot be told apart by tc.`,
      { remedy: 'Load or install the modules sch_htb and cls_u32 there, or take a fault of the packet filter.' },
    )
  }
  if (parts.every((part) => part === 'silence') && kernel.blackhole === true) return { kind: 'blackhole', args: [] }
  if (parts.every((part) => part === 'rate') && kernel.tbf === true) return tbf(impairment.rateBitsPerSecond ?? 0, mtu)
  if (kernel.netem === true) return { kind: 'netem', args: netemArguments(impairment) }
  const has = (['tbf', 'blackhole'] as const).filter((kind) => kernel[kind] === true)
  throw new FaultTargetError(
    `The kernel of ${host} cannot ${parts.map((part) => WHAT[part]).join(' and ')} packets: it lacks netem (${String(kernel.netem)}).`,
    {
      remedy: `Install sch_netem there (often in a package such as kernel-modules-extra). What this kernel has: ${[
        ...(has.includes('tbf') ? ['a rate (tbf)'] : []),
        'loss (by the packet filter)',
        'partition',
      ].join(', ')}.`,
    },
  )
}

/** A bucket that fills at a rate, and holds the bytes of 10 ms or three full packets: it drops what it can never hold. */
function tbf(bitsPerSecond: number, mtu: number): Leaf {
  const burst = Math.max(3 * (mtu + 18), Math.ceil(bitsPerSecond / 8 / 100))
  return {
    kind: 'tbf',
    args: ['rate', `${Math.round(bitsPerSecond)}bit`, 'burst', `${burst}b`, 'latency', TBF_QUEUE],
  }
}

/**
 * The words after `netem`. Its delay is uniform around a middle, ours begins at `delayMs`: so the middle is half of the jitter
 * later.
 */
export function netemArguments(impairment: Impairment): readonly string[] {
  const { delay, lossPercent, corruptPercent, duplicatePercent, reorderPercent, rateBitsPerSecond, isDown } = impairment
  const micros = (ms: number): string => `${Math.round(ms * 1000)}us`
  const percent = (value: number): string => `${value}%`
  return [
    'limit',
    NETEM_LIMIT,
    ...(delay
      ? [
          'delay',
          micros(delay.delayMs + delay.jitterMs / 2),
          ...(delay.jitterMs > 0
            ? [micros(delay.jitterMs / 2), ...(delay.correlation === undefined ? [] : [percent(delay.correlation)])]
            : []),
        ]
      : []),
    ...(isDown === true ? ['loss', '100%'] : lossPercent === undefined ? [] : ['loss', percent(lossPercent)]),
    ...(corruptPercent === undefined ? [] : ['corrupt', percent(corruptPercent)]),
    ...(duplicatePercent === undefined ? [] : ['duplicate', percent(duplicatePercent)]),
    ...(reorderPercent === undefined ? [] : ['reorder', percent(reorderPercent)]),
    ...(rateBitsPerSecond === undefined ? [] : ['rate', `${Math.round(rateBitsPerSecond)}bit`]),
  ]
}
