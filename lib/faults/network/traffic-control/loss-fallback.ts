import type { FaultContext, FaultPlan, PlanContext } from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import { requirePeers } from '../host-checks.ts'
import type { HostNetwork } from '../host-network.ts'
import { lossByNetfilter, measureLoss } from '../loss-by-netfilter.ts'
import type { PacketMatch } from '../packet-rules.ts'
import type { CountedSender } from './confirm-packets.ts'
import { portNumbers, type Direction, type Way } from './direction.ts'
import { partsOf, type Impairment } from './impairment.ts'
import type { SendingHost, TrafficControlFacts } from './survey.ts'

/** Whether an impairment is loss alone, which the packet filter can make where the kernel has no netem. */
export function isByNetfilter(impairment: Impairment, senders: readonly SendingHost[]): boolean {
  return (
    partsOf(impairment).join() === 'loss' &&
    senders.some(({ kernel }) => kernel.netem !== true || kernel.htb !== true || kernel.u32 !== true)
  )
}

/** A host whose packet filter loses packets: the receiving one, as on a wire, or the sender where no shell is at the far side. */
interface Loser {
  readonly network: HostNetwork
  readonly matches: readonly PacketMatch[]
  readonly way: Way
}

function losersOf(
  { environment }: Pick<PlanContext, 'environment'>,
  { senders, sides }: TrafficControlFacts,
  { ports }: Direction,
): readonly Loser[] {
  const ways = new Map(senders.map(({ way }) => [`${way.from} ${way.to}`, way]))
  return [...ways.values()].flatMap((way) => {
    const theirs = portNumbers(environment, way, ports)
    const ours = portNumbers(environment, { from: way.to, to: way.from }, ports)
    const receiving = sides[way.to]
    const hook = receiving.length > 0 ? 'in' : 'out'
    const networks = receiving.length > 0 ? receiving : sides[way.from]
    return networks.map((network) => {
      const peers = requirePeers(network).map(({ address }) => address)
      // What comes in for a port of the receiver, and what comes in from a port of the sender.
      const sidesOf =
        hook === 'in' ? ({ theirs: 'own', ours: 'far' } as const) : ({ theirs: 'far', ours: 'own' } as const)
      const matches: PacketMatch[] =
        theirs && ours
          ? [
              { hook, peers, ports: { side: sidesOf.theirs, numbers: theirs } },
              { hook, peers, ports: { side: sidesOf.ours, numbers: ours } },
            ]
          : [{ hook, peers }]
      return { network, matches, way }
    })
  })
}

/** The steps that lose packets by the packet filter. */
export function planByNetfilter(
  context: PlanContext,
  facts: TrafficControlFacts,
  direction: Direction,
  lossPercent: number,
): FaultPlan {
  const losers = losersOf(context, facts, direction)
  const steps = losers.map(({ network, matches }) =>
    lossByNetfilter({ id: context.id, network, matches, probability: lossPercent / 100 }),
  )
  const why = facts.senders.find(({ kernel }) => kernel.netem !== true)?.kernel.netem
  return {
    steps,
    atOnce: true,
    effect: `The way ${direction.between.join(direction.oneWay ? ' → ' : ' ↔ ')} loses ${lossPercent} % of packets (by the packet filter's random match on ${losers
      .map(
        ({ network, matches }) => `${network.host}, ${matches[0]?.hook === 'in' ? 'as they arrive' : 'as they leave'}`,
      )
      .join(' and ')}, since the kernel has no netem: ${String(why ?? 'or nothing to hang it into')}).`,
    outage: [],
  }
}

/** The hosts whose packets are lost, with the counters of the packet filters that lose them. */
export function countedByNetfilter(
  context: FaultContext,
  facts: TrafficControlFacts,
  direction: Direction,
): readonly CountedSender[] {
  const { id } = context
  const losers = losersOf(context, facts, direction)
  return facts.senders.map(({ network, way }) => {
    const own = losers.filter((loser) => loser.way.from === way.from && loser.way.to === way.to)
    return {
      host: network.host,
      receivers: facts.sides[way.to].map(({ host }) => host),
      async count() {
        const counts = await Promise.all(
          own.map((loser) => measureLoss(context, { id, network: loser.network, matches: loser.matches })),
        )
        const sum = (pick: (one: (typeof counts)[number]) => number): number =>
          counts.reduce((total, one) => total + pick(one), 0)
        return { packets: sum((one) => one.packets), dropped: sum((one) => one.dropped), reordered: 0 }
      },
    }
  })
}

/** @throws FaultTargetError if the rules of a loss are still on a host */
export async function requireNoLossRules(
  context: FaultContext,
  facts: TrafficControlFacts,
  direction: Direction,
): Promise<void> {
  const { id } = context
  for (const { network, matches } of losersOf(context, facts, direction)) {
    const counts = await measureLoss(context, { id, network, matches }).catch((error: unknown) => {
      if (error instanceof FaultTargetError) return undefined
      throw error
    })
    if (counts) throw new FaultTargetError(`The rules of ${id} are still on ${network.host}.`)
  }
}
