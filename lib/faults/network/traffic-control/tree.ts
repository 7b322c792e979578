import { createHash } from 'node:crypto'
import { familyOf, parseNetwork, type IpFamily } from '../address.ts'
import type { Leaf } from './leaf.ts'

/** First half of every handle of ours: `fa00:` to `faff:` are roots, `fb00:` to `fbff:` what hangs below. */
export const ROOT_PREFIX = 'fa'
const LEAF_PREFIX = 'fb'

/** The handles of a fault on an interface, without the colon. */
export interface Handles {
  readonly root: string
  readonly leaf: string
}

/**
 * The handles of a fault, from its id: an undo removes what has exactly these, so that two faults that meet on an interface do
 * not undo each other.
 */
export function handlesOf(id: string): Handles {
  const tail = createHash('sha256').update(id).digest('hex').slice(0, 2)
  return { root: `${ROOT_PREFIX}${tail}`, leaf: `${LEAF_PREFIX}${tail}` }
}

/** Packets that leave an interface. Several conditions must hold all together. */
export interface Outgoing {
  /** An address, or a network with its prefix. */
  readonly to: string
  readonly sourcePort?: number
  readonly destinationPort?: number
}

/** All that is laid on one interface. */
export interface Tree {
  readonly interface: string
  readonly handles: Handles
  readonly leaf: Leaf
  /** Never touched, whatever {@link hit} says. */
  readonly exempt: readonly Outgoing[]
  readonly hit: readonly Outgoing[]
}

/**
 * The lines for `tc -batch` that build a tree: all traffic goes straight through an htb root (its direct queue), only what is
 * hit goes through a class without a limit of its own, to the leaf. Filters that exempt are asked first.
 */
export function treeLines(tree: Tree): readonly string[] {
  const { interface: device, handles, leaf, exempt } = tree
  const { root } = handles
  return [
    // Without a length of its own the direct queue takes the device's, which may be 0.
    `qdisc add dev ${device} root handle ${root}: htb default 0 direct_qlen 1000`,
    `class add dev ${device} parent ${root}: classid ${root}:1 htb rate 32gbit burst 1mb cburst 1mb quantum 60000`,
    leafLine({ interface: device, handles, leaf }),
    ...exempt.map((match) => filterLine(device, root, match, { pref: { 4: 1, 6: 2 }, flow: `${root}:0` })),
    ...hitLines(tree),
  ]
}

const HIT = { 4: 3, 6: 4 } as const

/** The lines that lead what is hit to the leaf. */
export function hitLines({ interface: device, handles: { root }, hit }: Tree): readonly string[] {
  return hit.map((match) => filterLine(device, root, match, { pref: HIT, flow: `${root}:1` }))
}

/** The lines that let what is hit go straight again. */
export function unhitLines({ interface: device, handles: { root }, hit }: Tree): readonly string[] {
  const families = [...new Set(hit.map((match) => familyTo(match)))]
  return families.map(
    (family) => `filter del dev ${device} parent ${root}: protocol ${PROTOCOL[family]} pref ${HIT[family]}`,
  )
}

const PROTOCOL = { 4: 'ip', 6: 'ipv6' } as const

function familyTo({ to }: Outgoing): IpFamily {
  return parseNetwork(to)?.family ?? 4
}

/** The line that hangs the leaf into a tree. */
export function leafLine({ interface: device, handles, leaf }: Pick<Tree, 'interface' | 'handles' | 'leaf'>): string {
  const line = `qdisc add dev ${device} parent ${handles.root}:1 handle ${handles.leaf}: ${leaf.kind} ${leaf.args.join(' ')}`
  return line.trimEnd()
}

function filterLine(
  device: string,
  root: string,
  match: Outgoing,
  { pref, flow }: { readonly pref: Readonly<Record<IpFamily, number>>; readonly flow: string },
): string {
  const network = parseNetwork(match.to)
  const family = familyTo(match)
  const word = family === 4 ? 'ip' : 'ip6'
  const prefix = network?.prefix ?? 32
  const matches = [
    `match ${word} dst ${network?.address ?? match.to}/${prefix}`,
    ...(match.sourcePort === undefined ? [] : [`match ${word} sport ${match.sourcePort} 0xffff`]),
    ...(match.destinationPort === undefined ? [] : [`match ${word} dport ${match.destinationPort} 0xffff`]),
  ]
  return `filter add dev ${device} parent ${root}: protocol ${PROTOCOL[family]} pref ${pref[family]} u32 ${matches.join(' ')} flowid ${flow}`
}

/**
 * What leaves a host for some addresses: everything, or what belongs to connections to or from some ports.
 * @param ports ports of the far side, which connections from here go to, and ports of this side, which they come to
 */
export function outgoing(
  addresses: readonly string[],
  ports?: { readonly theirs: readonly number[]; readonly ours: readonly number[] },
): readonly Outgoing[] {
  const known = addresses.filter((address) => familyOf(address) !== undefined)
  if (!ports) return known.map((to) => ({ to }))
  return known.flatMap((to) => [
    ...ports.theirs.map((destinationPort) => ({ to, destinationPort })),
    ...ports.ours.map((sourcePort) => ({ to, sourcePort })),
  ])
}
