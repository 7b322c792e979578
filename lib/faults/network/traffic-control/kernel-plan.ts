import type { FaultPlan, FaultStep, PlanContext } from '../../definition.ts'
import type { Exemption } from '../packet-rules.ts'
import { exemptionsOf } from '../packet-rules.ts'
import { portNumbers, type Direction } from './direction.ts'
import { inWords, type Impairment } from './impairment.ts'
import { leafOf } from './leaf.ts'
import { BUILD, TAKE_AWAY } from './scripts.ts'
import type { Egress, Sender, SendingHost, TrafficControlFacts } from './survey.ts'
import { handlesOf, outgoing, treeLines, type Outgoing, type Tree } from './tree.ts'

/**
 * Lays an impairment on what the hosts of each direction send to the far side: one step for each host, which builds the trees of
 * all its interfaces in one call.
 * @throws FaultTargetError where the kernel of a host cannot do it
 */
export function planOnKernel(
  context: PlanContext,
  { senders }: TrafficControlFacts,
  direction: Direction,
  impairment: Impairment,
): FaultPlan {
  const steps = senders.map((sender) => buildStep(context, sender, treesOf(context, sender, direction, impairment)))
  const by = [
    ...new Set(
      senders.flatMap((sender) => treesOf(context, sender, direction, impairment).map((tree) => tree.leaf.kind)),
    ),
  ]
  return {
    steps,
    effect: `The way ${direction.oneWay ? direction.between.join(' → ') : direction.between.join(' ↔ ')} ${inWords(impairment)} (by ${by.join(', ')} of the kernel, on each host that sends there).`,
    outage: [],
  }
}

/** Builds the trees of a fault on one host, all in one call. */
export function buildStep(context: Pick<PlanContext, 'id'>, sender: Sender, trees: readonly Tree[]): FaultStep {
  return {
    host: sender.network.host,
    do: { command: { script: BUILD, args: [sender.tc, ...trees.flatMap(treeLines)] } },
    undo: takeAway(context, sender),
  }
}

/** The trees of a fault on the interfaces of one host. */
export function treesOf(
  { id, environment }: PlanContext,
  sender: SendingHost,
  { ports }: Direction,
  impairment: Impairment,
): readonly Tree[] {
  const { way } = sender
  const theirs = portNumbers(environment, way, ports)
  const ours = portNumbers(environment, { from: way.to, to: way.from }, ports)
  return treesOnPorts(id, sender, theirs && ours ? { theirs, ours } : undefined, impairment)
}

/** The trees of a fault on the interfaces of one host: on all it sends there, or on what belongs to some ports. */
export function treesOnPorts(
  id: string,
  { network, kernel, egress }: Sender,
  ports: Parameters<typeof outgoing>[1],
  impairment: Impairment,
): readonly Tree[] {
  return egress.map(({ interface: device, mtu, peers }) => ({
    interface: device,
    handles: handlesOf(id),
    leaf: leafOf(impairment, { kernel, host: network.host, mtu }),
    exempt: exemptionsOf(network).map(exempted),
    hit: outgoing(peers, ports),
  }))
}

function exempted(exemption: Exemption): Outgoing {
  if (exemption.kind === 'control') return { to: exemption.client, sourcePort: exemption.serverPort }
  return { to: `${exemption.network.address}/${exemption.network.prefix}` }
}

/** Takes away all trees of a fault on one host. */
export function takeAway({ id }: Pick<PlanContext, 'id'>, { tc, ip, egress }: Sender): FaultStep['undo'] {
  const { root } = handlesOf(id)
  const args = egress.flatMap(({ interface: device, queueLength }: Egress) => [device, queueLength === 0 ? '0' : ''])
  return { script: TAKE_AWAY, args: [tc, ip, root, ...args] }
}
