import { PORTS, type Bed } from '../beds/bed.ts'

/** By what a host's own rules are written. */
export type OwnRules = 'nft' | 'iptables'

const OPEN = [22, ...Object.values(PORTS)].join(',')

/**
 * Lays the rules of a careful administrator on both machines: what is established is accepted before anything else, some ports are
 * open, and the rest is dropped, in and out.
 */
export async function layRules(bed: Bed, kind: OwnRules): Promise<void> {
  for (const name of ['a', 'b'] as const) {
    const result = await bed.exec(name, { script: kind === 'nft' ? NFT : IPTABLES, args: [OPEN] })
    if (result.code !== 0) throw new Error(`the rules of ${name}: ${result.stderr}`)
  }
}

/** Takes them away. */
export async function clearRules(bed: Bed, kind: OwnRules): Promise<void> {
  for (const name of ['a', 'b'] as const) {
    const result = await bed.exec(name, { script: kind === 'nft' ? CLEAR_NFT : CLEAR_IPTABLES })
    if (result.code !== 0) throw new Error(`the rules of ${name}: ${result.stderr}`)
  }
}

const NFT = `nft -f - <<EOT
table inet admin {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    iifname "lo" accept
    meta l4proto { icmp, icmpv6 } accept
    tcp dport { $1 } accept
    udp dport { $1 } accept
  }
  chain output {
    type filter hook output priority filter; policy drop;
    ct state established,related accept
    ct state invalid drop
    oifname "lo" accept
    meta l4proto { icmp, icmpv6 } accept
    tcp dport { $1 } accept
    udp dport { $1 } accept
  }
}
EOT`
const CLEAR_NFT = 'nft delete table inet admin'

const IPTABLES = `for program in iptables ip6tables; do
  for chain in INPUT OUTPUT; do
    case $chain in INPUT) lo=-i ;; *) lo=-o ;; esac
    "$program" -A "$chain" -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT &&
    "$program" -A "$chain" -m conntrack --ctstate INVALID -j DROP &&
    "$program" -A "$chain" "$lo" lo -j ACCEPT &&
    case $program in iptables) "$program" -A "$chain" -p icmp -j ACCEPT ;; *) "$program" -A "$chain" -p icmpv6 -j ACCEPT ;; esac &&
    "$program" -A "$chain" -p tcp -m multiport --dports "$1" -j ACCEPT &&
    "$program" -A "$chain" -p udp -m multiport --dports "$1" -j ACCEPT &&
    "$program" -P "$chain" DROP || exit 1
  done
done`
const CLEAR_IPTABLES = `for program in iptables ip6tables; do
  for chain in INPUT OUTPUT; do "$program" -P "$chain" ACCEPT; "$program" -F "$chain"; done
done`
