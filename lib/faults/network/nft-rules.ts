import type { Command } from '../../hosts/index.ts'
import { familyOf } from './address.ts'
import type { HostNetwork } from './host-network.ts'
import {
  exemptionsOf,
  NEIGHBOUR_DISCOVERY,
  tableName,
  type Exemption,
  type PacketAction,
  type PacketMatch,
  type PacketOrder,
} from './packet-rules.ts'

type Hook = PacketMatch['hook']

/**
 * Before connection tracking and every filter. A verdict of another chain cannot take a drop back, whatever its priority: an
 * `accept` ends its own chain alone.
 */
const BEFORE_ALL = -310
/**
 * A reset is made after connection tracking (-200) has seen what it answers, so that the host's own rules take it for a related
 * packet and not for an invalid one, and let it pass. Rejecting works at the hooks input, forward and output of every kernel, at
 * any priority.
 */
const AFTER_TRACKING = -190

const FACE = {
  in: { hook: 'input', far: 'saddr', iif: 'iifname' },
  out: { hook: 'output', far: 'daddr', iif: 'oifname' },
} as const
const PORT = { in: { own: 'dport', far: 'sport' }, out: { own: 'sport', far: 'dport' } } as const

/** The table that does what an order says, as input of one `nft -f` transaction. */
export function nftTable(network: HostNetwork, { id, matches, action }: PacketOrder): string {
  const table = `inet ${tableName(id)}`
  const exempt = exemptionsOf(network)
  const chain = (hook: Hook): string[] => {
    const rules = matches.filter((match) => match.hook === hook).flatMap((match) => cut(match, action))
    if (rules.length === 0) return []
    const priority = action.kind === 'reset' ? AFTER_TRACKING : BEFORE_ALL
    return [
      `  chain ${hook} {`,
      `    type filter hook ${FACE[hook].hook} priority ${priority}; policy accept;`,
      ...exempt.map((one) => `    ${spare(hook, one)} accept`),
      `    ${FACE[hook].iif} "lo" accept`,
      `    icmpv6 type { ${NEIGHBOUR_DISCOVERY.join(', ')} } accept`,
      ...(action.kind === 'reset' ? ['    tcp flags & rst == rst accept'] : []),
      ...rules.map((rule) => `    ${rule}`),
      '  }',
    ]
  }
  // `create` fails where the table is there already, and with it the whole transaction.
  return [`create table ${table}`, `table ${table} {`, ...chain('in'), ...chain('out'), '}', ''].join('\n')
}

/** The command that lays it. */
export function nftInject(nft: string, text: string): Command {
  return { script: 'printf %s "$2" | "$1" -f -', args: [nft, text] }
}

/** The command that takes it away; one transaction that also works where it is not there. */
export function nftUndo(nft: string, id: string): Command {
  return {
    script: String.raw`printf 'add table inet %s\ndelete table inet %s\n' "$2" "$2" | "$1" -f -`,
    args: [nft, tableName(id)],
  }
}

function spare(hook: Hook, exemption: Exemption): string {
  const { far } = FACE[hook]
  if (exemption.kind === 'control') {
    const { client, family, serverPort } = exemption
    return `${layer(family)} ${far} ${client} tcp ${PORT[hook].own} ${serverPort}`
  }
  const { address, family, prefix } = exemption.network
  return `${layer(family)} ${far} ${address}/${prefix}`
}

function cut({ hook, peers, ports }: PacketMatch, action: PacketAction): string[] {
  const far = peers
    ? ([4, 6] as const).flatMap((family) => {
        const addresses = [...new Set(peers.filter((peer) => familyOf(peer) === family))]
        return addresses.length > 0 ? [`${layer(family)} ${FACE[hook].far} { ${addresses.join(', ')} } `] : []
      })
    : ['']
  const tcp = ports ? `tcp ${PORT[hook][ports.side]} { ${[...new Set(ports.numbers)].join(', ')} } ` : ''
  return far.flatMap((who) => {
    const which = `${who}${tcp}`
    switch (action.kind) {
      case 'drop':
        return [`${which}counter drop`]
      case 'reset':
        return [
          `${which}${tcp === '' ? 'meta l4proto tcp ' : ''}counter reject with tcp reset`,
          ...(tcp === '' ? [`${which}counter reject with icmpx type admin-prohibited`] : []),
        ]
      case 'lose':
        return [
          `${which}counter comment "seen"`,
          `${which}numgen random mod 1000000 < ${action.perMillion} counter drop comment "lost"`,
        ]
    }
  })
}

function layer(family: 4 | 6): 'ip' | 'ip6' {
  return family === 4 ? 'ip' : 'ip6'
}
