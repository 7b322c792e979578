import { eventually, TimeoutError } from '../../../core/index.ts'
import type { Evidence, FaultContext, HostName } from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import type { ProbePath } from '../probe-paths.ts'
import type { Sides } from '../sides.ts'
import { grewBy, readFigures } from './figures.ts'
import type { Impairment } from './impairment.ts'
import { exchangeTraffic, type ProbeTraffic } from './probe-traffic.ts'
import type { QdiscCounters } from './qdisc.ts'
import type { SendingHost } from './survey.ts'
import { CONFIDENCE, judgeShare, packetsFor, type Bounds } from './tolerance.ts'
import { handlesOf } from './tree.ts'

/** Checksums that did not fit, and headers that the flipped bit made nonsense of. */
const CORRUPTED = [
  'Tcp.InCsumErrors',
  'Udp.InCsumErrors',
  'Ip.InHdrErrors',
  'Ip.InAddrErrors',
  'Ip6InHdrErrors',
  'Ip6InAddrErrors',
]
/** Segments that came although they had come before. */
const CAME_TWICE = ['TcpExt.TCPDSACKOldSent', 'TcpExt.TCPDSACKOfoSent']
/** Segments that came before an earlier one. */
const OVERTOOK = ['TcpExt.TCPOFOQueue']

/** A flipped bit in an Ethernet address or in a field without a checksum is noticed by nobody. */
const CORRUPTION_SEEN: Bounds = { lower: 0.5, upper: 1 }
/** Only segments with data are noticed when they come again, and the copies are among the packets that are counted. */
const DUPLICATION_SEEN: Bounds = { lower: 0.3, upper: 1.2 }

/** What is measured on one sending host while probe traffic flows. */
export interface PacketFigures {
  /** What was offered to the fault: sent on or dropped. */
  readonly packets: number
  readonly dropped: number
  /** As the sending kernel counts them. */
  readonly reordered: number
  readonly retransmitted: number
  /** As the receiving kernels count them. */
  readonly corrupted: number
  readonly cameTwice: number
  readonly overtook: number
}

/** What the kernels of both sides count, whatever the fault is made by. */
type ReceivedFigures = Omit<PacketFigures, 'packets' | 'dropped' | 'reordered'>

/** What a fault let through and dropped so far, as its own rules count. */
export interface FaultCounts {
  readonly packets: number
  readonly dropped: number
  readonly reordered: number
}

/** One host whose packets are hit, and how the fault's own counters are read. */
export interface CountedSender {
  readonly host: HostName
  /** Hosts at the far side. */
  readonly receivers: readonly HostName[]
  /** @throws FaultTargetError if the fault is not there */
  count(): Promise<FaultCounts>
}

/** A host whose packets are hit by tc. */
export function countedByTc(context: FaultContext, sender: SendingHost, sides: Sides): CountedSender {
  const { host } = sender.network
  const { leaf } = handlesOf(context.id)
  const interfaces = sender.egress.map((egress) => egress.interface)
  return {
    host,
    receivers: sides[sender.way.to].map((network) => network.host),
    async count() {
      const { qdiscs } = await readFigures(context, host, { tc: sender.tc, interfaces })
      const found = interfaces.map((device) => {
        const counters = qdiscs[device]?.find(({ handle }) => handle === leaf)
        if (!counters) throw new FaultTargetError(`The fault is not on ${device} of ${host}.`)
        return counters
      })
      const sum = (pick: (one: QdiscCounters) => number): number => found.reduce((total, one) => total + pick(one), 0)
      return {
        packets: sum((one) => one.packets + one.dropped),
        dropped: sum((one) => one.dropped),
        reordered: sum((one) => one.requeues),
      }
    },
  }
}

/**
 * Sends probe traffic from each host that is hit, until enough of it has gone through the fault, and holds what the kernels
 * counted against what was asked for.
 * @throws FaultTargetError where chance does not explain the figures
 */
export async function confirmPackets(
  context: FaultContext,
  senders: readonly CountedSender[],
  paths: readonly ProbePath[],
  impairment: Impairment,
): Promise<Evidence> {
  const rows: Evidence[] = []
  const wrong: string[] = []
  for (const sender of senders) {
    const own = paths.filter(({ vantage }) => vantage === sender.host)
    const needed = neededPackets(impairment)
    const before = await sender.count()
    const { received, packets, dropped, reordered } = await countWhile(context, sender, own, {
      needed: before.packets + needed,
      progress: async () => (await sender.count()).packets,
      end: () => sender.count(),
    })
    const figures: PacketFigures = {
      ...received,
      packets: packets - before.packets,
      dropped: dropped - before.dropped,
      reordered: reordered - before.reordered,
    }
    wrong.push(...judgePackets(figures, impairment).map((problem) => `from ${sender.host}: ${problem}`))
    rows.push({ from: sender.host, ...figures })
  }
  if (wrong.length > 0) throw new FaultTargetError(`Not as it should be: ${wrong.join('; ')}.`)
  return { confidence: CONFIDENCE, packets: rows }
}

/**
 * Sends probe traffic through what was hit, and measures that packets fare as they do without the fault.
 * @throws FaultTargetError where too many of them do not
 */
export async function confirmPacketsWhole(
  context: FaultContext,
  senders: readonly Omit<CountedSender, 'count'>[],
  paths: readonly ProbePath[],
  impairment: Impairment,
): Promise<Evidence> {
  const rows: Evidence[] = []
  for (const sender of senders) {
    const own = paths.filter(({ vantage }) => vantage === sender.host)
    // What was lost is sent again for seconds, also on connections that are over: that must end, and it does where nothing is lost.
    for (let attempt = 1; ; attempt++) {
      const { requests, received } = await exchangeWhole(context, sender, own, impairment)
      const problems = judgeWhole({ ...received, requests }, impairment)
      if (problems.length > 0 && attempt < ATTEMPTS) continue
      if (problems.length > 0) throw new FaultTargetError(`Still there, from ${sender.host}: ${problems.join('; ')}.`)
      rows.push({ from: sender.host, requests, ...received, attempts: attempt })
      break
    }
  }
  return { packets: rows }
}

/** How often packets are looked at after a heal. */
const ATTEMPTS = 5

async function exchangeWhole(
  context: FaultContext,
  sender: Omit<CountedSender, 'count'>,
  paths: readonly ProbePath[],
  impairment: Impairment,
): Promise<{ readonly requests: number; readonly received: ReceivedFigures }> {
  // Each answered request took four packets there at least.
  const needed = Math.min(1000, Math.ceil(neededPackets(impairment) / 4))
  let requests = 0
  const { received } = await countWhile(context, sender, paths, {
    needed,
    progress: (traffic) => Promise.resolve((requests = traffic.answered)),
    end: () => Promise.resolve({}),
  })
  if (requests >= Math.min(needed, 20)) return { requests, received }
  throw new FaultTargetError(`Only ${requests} requests from ${sender.host} were answered.`)
}

function neededPackets({ lossPercent, corruptPercent, duplicatePercent, reorderPercent }: Impairment): number {
  return Math.max(
    lossPercent === undefined ? 0 : packetsFor(lossPercent),
    corruptPercent === undefined ? 0 : packetsFor(corruptPercent, CORRUPTION_SEEN.lower),
    duplicatePercent === undefined ? 0 : packetsFor(duplicatePercent, DUPLICATION_SEEN.lower),
    reorderPercent === undefined ? 0 : packetsFor(reorderPercent),
  )
}

/** What is wrong with the figures of a sending host; empty if nothing is. */
export function judgePackets(figures: PacketFigures, impairment: Impairment): readonly string[] {
  const { packets: n, dropped, reordered, retransmitted, corrupted, cameTwice, overtook } = figures
  const { lossPercent, corruptPercent, duplicatePercent, reorderPercent } = impairment
  const problems: string[] = []
  const share = (what: string, hits: number, percent: number, seen?: Bounds): void => {
    const { plausible, tooFew, bounds } = judgeShare({ n, hits }, percent, seen)
    if (plausible) return
    problems.push(
      tooFew
        ? `only ${n} packets went through the fault, too few to tell ${percent} % by`
        : `${hits} of ${n} packets were ${what}, and ${percent} % makes ${bounds.lower} to ${bounds.upper}`,
    )
  }
  if (lossPercent !== undefined) {
    share('lost', dropped, lossPercent)
    if (retransmitted === 0) problems.push('nothing was sent again, so nothing was missed')
  }
  if (corruptPercent !== undefined) share('noticed to be corrupted', corrupted, corruptPercent, CORRUPTION_SEEN)
  if (duplicatePercent !== undefined) share('noticed to come twice', cameTwice, duplicatePercent, DUPLICATION_SEEN)
  if (reorderPercent !== undefined) {
    share('let overtake others', reordered, reorderPercent)
    if (overtook === 0) problems.push('nothing came before an earlier packet of its connection')
  }
  return problems
}

/** What still looks as with the fault; empty if nothing does. */
export function judgeWhole(
  figures: ReceivedFigures & { readonly requests: number },
  { lossPercent, corruptPercent, duplicatePercent, reorderPercent }: Impairment,
): readonly string[] {
  const { requests, retransmitted, corrupted, cameTwice, overtook } = figures
  const problems: string[] = []
  // As many as the least that the fault would make of these packets; without it there are next to none.
  const check = (what: string, hits: number, percent: number | undefined, seen: number): void => {
    if (percent === undefined) return
    const { bounds } = judgeShare({ n: requests * 4, hits }, percent, { lower: seen, upper: 1 })
    if (hits > 0 && hits >= bounds.lower) problems.push(`${hits} packets of ${requests} requests were ${what}`)
  }
  check('sent again', retransmitted, lossPercent, 0.5)
  check('corrupted', corrupted, corruptPercent, CORRUPTION_SEEN.lower)
  check('there twice', cameTwice, duplicatePercent, DUPLICATION_SEEN.lower)
  check('out of order', overtook, reorderPercent, 0.25)
  return problems
}

/** Reads protocol figures of sender and receivers around probe traffic that runs until enough was done. */
async function countWhile<T>(
  context: FaultContext,
  sender: Omit<CountedSender, 'count'>,
  paths: readonly ProbePath[],
  {
    needed,
    progress,
    end,
  }: {
    readonly needed: number
    readonly progress: (traffic: ProbeTraffic) => Promise<number>
    readonly end: () => Promise<T>
  },
): Promise<T & { readonly received: ReceivedFigures }> {
  const readAll = () =>
    Promise.all(
      [sender.host, ...sender.receivers].map((host) => readFigures(context, host, { tc: 'tc', interfaces: [] })),
    )
  const before = await readAll()
  const traffic = exchangeTraffic(context, paths)
  try {
    await eventually(
      async () => {
        const done = await progress(traffic)
        return done >= needed ? { done: true, value: done } : { done: false, seen: `${done} of ${needed}` }
      },
      { within: '20s', every: '200ms', signal: context.signal, describe: 'enough probe traffic' },
    ).catch((error: unknown) => {
      // What there is, is judged all the same: it may be enough, and if not the verdict says so.
      if (!(error instanceof TimeoutError)) throw error
    })
  } finally {
    await traffic.stop()
  }
  const counts = await end()
  const after = await readAll()
  const grown = (hosts: 'sender' | 'receivers', names: readonly string[]): number =>
    before.reduce((sum, from, i) => {
      const to = after[i]
      return to && (i === 0) === (hosts === 'sender') ? sum + grewBy(from, to, names) : sum
    }, 0)
  return {
    ...counts,
    received: {
      retransmitted: grown('sender', ['Tcp.RetransSegs']),
      corrupted: grown('receivers', CORRUPTED),
      cameTwice: grown('receivers', CAME_TWICE),
      overtook: grown('receivers', OVERTOOK),
    },
  }
}
