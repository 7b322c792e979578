import type { Command } from '../../hosts/index.ts'
import { familyOf, type IpFamily } from './address.ts'
import type { HostNetwork } from './host-network.ts'
import type { Firewall } from './host-checks.ts'
import {
  chainStem,
  exemptionsOf,
  familiesOf,
  NEIGHBOUR_DISCOVERY,
  type Exemption,
  type PacketAction,
  type PacketMatch,
  type PacketOrder,
} from './packet-rules.ts'

type Hook = PacketMatch['hook']

/** Programs of iptables by family. */
export type IptablesPrograms = Extract<Firewall, { kind: 'iptables' }>['programs']

const FACE = {
  in: { chain: 'INPUT', suffix: 'IN', far: '-s', interface: '-i' },
  out: { chain: 'OUTPUT', suffix: 'OUT', far: '-d', interface: '-o' },
} as const
const PORT = { in: { own: '--dport', far: '--sport' }, out: { own: '--sport', far: '--dport' } } as const

/**
 * The chains that do what an order says to one family, as input of one `iptables-restore --noflush` transaction. Exempt packets
 * return to the host's own rules, which decide on them as ever: an ACCEPT would open the host to them.
 */
export function iptablesChains(network: HostNetwork, { id, matches, action }: PacketOrder, family: IpFamily): string {
  const stem = chainStem(id)
  const exempt = exemptionsOf(network)
  const hooks = (['in', 'out'] as const).filter((hook) => matches.some((match) => match.hook === hook))
  const name = (hook: Hook): string => `${stem}_${FACE[hook].suffix}`
  // Says to the survey of another fault that the table is ours, so that the last of us takes it away.
  const mark = network.filters[family].table ? [] : [`:${stem}_NEW - [0:0]`]
  const rules = (hook: Hook): string[] => [
    ...exempt.flatMap((one) => spare(hook, one, family)),
    `${FACE[hook].interface} lo`,
    ...(family === 6 ? NEIGHBOUR_DISCOVERY.map((type) => `-p ipv6-icmp --icmpv6-type ${type}`) : []),
    ...(action.kind === 'reset' ? ['-p tcp --tcp-flags RST RST'] : []),
  ]
  return [
    '*filter',
    ...mark,
    ...hooks.map((hook) => `:${name(hook)} - [0:0]`),
    ...hooks.flatMap((hook) => [
      ...rules(hook).map((rule) => `-A ${name(hook)} ${rule} -j RETURN`),
      ...matches
        .filter((match) => match.hook === hook)
        .flatMap((match) => cut(match, action, family))
        .map((rule) => `-A ${name(hook)} ${rule}`),
    ]),
    // Last, so that the chains are whole when they are jumped to.
    ...hooks.map((hook) => `-I ${FACE[hook].chain} 1 -j ${name(hook)}`),
    'COMMIT',
    '',
  ].join('\n')
}

/** The command that lays the chains of every family that the order concerns. */
export function iptablesInject(network: HostNetwork, order: PacketOrder, programs: IptablesPrograms): Command {
  const args = familiesOf(order.matches).flatMap((family) => {
    const program = programs[family]
    return program === undefined ? [] : [`${program}-restore`, iptablesChains(network, order, family)]
  })
  return {
    script: `while [ "$#" -gt 0 ]; do printf %s "$2" | "$1" -w 5 --noflush || exit 1; shift 2; done`,
    args,
  }
}

/**
 * The command that takes the chains away, as far as they are there, and with them what their first use has made: the chains that
 * are built in, and the table itself. Those go only where the survey did not find them, and only while they are empty. (Tables of
 * the older, legacy kind of iptables stay, empty: nothing but a reboot removes them.)
 */
export function iptablesUndo(network: HostNetwork, order: PacketOrder, programs: IptablesPrograms): Command {
  const args = familiesOf(order.matches).flatMap((family) => {
    const program = programs[family]
    if (program === undefined) return []
    const { table, chains } = network.filters[family]
    const ours = ['INPUT', 'OUTPUT'].filter((chain) => chains?.includes(chain) === false)
    return [program, table ? ours.join(' ') : 'TABLE']
  })
  return { script: UNDO, args: [chainStem(order.id), ...args] }
}

const UNDO = String.raw`stem=$1 failed=0
shift
undo() { # program, what its first use has made
  program=$1 made=$2
  have=$("$program-save") || return 1
  case $have in *":$stem"_*)
    while "$program" -w 5 -D INPUT -j "$stem"_IN; do :; done
    while "$program" -w 5 -D OUTPUT -j "$stem"_OUT; do :; done
    for chain in "$stem"_IN "$stem"_OUT "$stem"_NEW; do
      "$program" -w 5 -F "$chain" && "$program" -w 5 -X "$chain"
    done
    have=$("$program-save") || return 1 ;;
  esac
  case $have in *"$stem"_*) return 1 ;; esac
  filter=$(printf '%s\n' "$have" | {
    inside=
    while IFS= read -r line; do
      case $line in '*filter') inside=yes ;; '*'*) inside= ;; esac
      case $inside$line in yes:*' ACCEPT '*) ;; yes[:-]*) echo "$line" ;; esac
    done
  })
  # What is in it now is somebody's: it stays.
  [ -z "$filter" ] || return 0
  case $("$program" --version) in *nf_tables*) ;; *) return 0 ;; esac
  for what in $made; do
    case $what in
    TABLE) printf '*filter
COMMIT
' | "$program-restore" -w 5 || return 1 ;;
    # Fails where it is not there, because we have hooked nothing into it.
    *) "$program" -w 5 -X "$what" || : ;;
    esac
  done
}
while [ "$#" -gt 0 ]; do
  undo "$1" "$2" 2>/dev/null || { echo "the chains $stem could not be removed with $1" >&2; failed=1; }
  shift 2
done
exit "$failed"`

function spare(hook: Hook, exemption: Exemption, family: IpFamily): string[] {
  if (exemption.kind === 'control') {
    const { client, serverPort } = exemption
    if (exemption.family !== family) return []
    return [`${FACE[hook].far} ${client}/${bits(family)} -p tcp ${PORT[hook].own} ${serverPort}`]
  }
  const { network } = exemption
  return network.family === family ? [`${FACE[hook].far} ${network.address}/${network.prefix}`] : []
}

function cut({ hook, peers, ports }: PacketMatch, action: PacketAction, family: IpFamily): string[] {
  const far = peers
    ? [...new Set(peers)]
        .filter((peer) => familyOf(peer) === family)
        .map((peer) => `${FACE[hook].far} ${peer}/${bits(family)} `)
    : ['']
  const tcp = ports ? [...new Set(ports.numbers)].map((port) => `-p tcp ${PORT[hook][ports.side]} ${port} `) : ['']
  return far.flatMap((who) => tcp.flatMap((port) => act(`${who}${port}`, port !== '', action, family)))
}

function act(which: string, isTcp: boolean, action: PacketAction, family: IpFamily): string[] {
  switch (action.kind) {
    case 'drop':
      return [`${which}-j DROP`]
    case 'reset': {
      const error = family === 4 ? 'icmp-admin-prohibited' : 'icmp6-adm-prohibited'
      return [
        `${which}${isTcp ? '' : '-p tcp '}-j REJECT --reject-with tcp-reset`,
        ...(isTcp ? [] : [`${which}-j REJECT --reject-with ${error}`]),
      ]
    }
    case 'lose': {
      const probability = (action.perMillion / 1_000_000).toFixed(6)
      // The first has no target: it counts alone.
      return [which.trimEnd(), `${which}-m statistic --mode random --probability ${probability} -j DROP`]
    }
  }
}

function bits(family: IpFamily): number {
  return family === 4 ? 32 : 128
}
