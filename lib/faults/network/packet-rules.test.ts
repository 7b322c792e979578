import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { HostNetwork } from './host-network.ts'
import { iptablesChains, iptablesInject, iptablesUndo } from './iptables-rules.ts'
import { nftTable, nftUndo } from './nft-rules.ts'
import { chainStem, familiesOf, tableName, type PacketAction, type PacketMatch } from './packet-rules.ts'

const works = (path: string) => ({ works: true, path, version: '1' }) as const

function network(changes: Partial<HostNetwork> = {}): HostNetwork {
  return {
    host: 'east-a',
    isRoot: true,
    tools: {
      nft: works('/usr/sbin/nft'),
      iptables: works('/usr/sbin/iptables'),
      ip6tables: works('/usr/sbin/ip6tables'),
      tc: works('/usr/sbin/tc'),
      ip: works('/usr/sbin/ip'),
    },
    control: { clientAddress: '192.0.2.9', clientPort: 50_000, serverAddress: '192.0.2.1', serverPort: 22 },
    managementNetworks: ['10.9.0.0/16', 'fd09::/64'],
    interfaces: ['lo', 'eth0'],
    ownAddresses: [{ address: '10.0.0.1', family: 4, interface: 'eth0' }],
    peers: [],
    unresolved: [],
    qdiscs: [],
    filters: { 4: { table: false, chains: [] }, 6: { table: true, chains: ['INPUT'] } },
    ...changes,
  }
}

const id = 'network-partition-1a2b3c4d'
const peers = ['10.0.0.2', 'fd00::2', '10.0.0.3']
const both: readonly PacketMatch[] = [
  { hook: 'in', peers },
  { hook: 'out', peers },
]

describe('the rules of a cut', () => {
  it('are one nft transaction that spares the control path first, then cuts both families', () => {
    expect(nftTable(network(), { id, matches: both, action: { kind: 'drop' } })).toBe(`\
create table inet failover_network_partition_1a2b3c4d
table inet failover_network_partition_1a2b3c4d {
  chain in {
    type filter hook input priority -310; policy accept;
    ip saddr 192.0.2.9 tcp dport 22 accept
    ip saddr 10.9.0.0/16 accept
    ip6 saddr fd09::/64 accept
    iifname "lo" accept
    icmpv6 type { 133, 134, 135, 136 } accept
    ip saddr { 10.0.0.2, 10.0.0.3 } counter drop
    ip6 saddr { fd00::2 } counter drop
  }
  chain out {
    type filter hook output priority -310; policy accept;
    ip daddr 192.0.2.9 tcp sport 22 accept
    ip daddr 10.9.0.0/16 accept
    ip6 daddr fd09::/64 accept
    oifname "lo" accept
    icmpv6 type { 133, 134, 135, 136 } accept
    ip daddr { 10.0.0.2, 10.0.0.3 } counter drop
    ip6 daddr { fd00::2 } counter drop
  }
}
`)
  })

  it('reset TCP and refuse all else, let resets pass, and act after connection tracking', () => {
    const text = nftTable(network({ control: undefined, managementNetworks: [] }), {
      id,
      matches: [{ hook: 'in' }, { hook: 'out', ports: { side: 'far', numbers: [8081, 8082, 8081] } }],
      action: { kind: 'reset' },
    })
    expect(text).toBe(`\
create table inet failover_network_partition_1a2b3c4d
table inet failover_network_partition_1a2b3c4d {
  chain in {
    type filter hook input priority -190; policy accept;
    iifname "lo" accept
    icmpv6 type { 133, 134, 135, 136 } accept
    tcp flags & rst == rst accept
    meta l4proto tcp counter reject with tcp reset
    counter reject with icmpx type admin-prohibited
  }
  chain out {
    type filter hook output priority -190; policy accept;
    oifname "lo" accept
    icmpv6 type { 133, 134, 135, 136 } accept
    tcp flags & rst == rst accept
    tcp dport { 8081, 8082 } counter reject with tcp reset
  }
}
`)
  })

  it('are one iptables transaction per family, whose exempt packets go back to the rules of the host', () => {
    expect(iptablesChains(network(), { id, matches: both, action: { kind: 'drop' } }, 4)).toBe(`\
*filter
:FAILOVER_1a2b3c4d_NEW - [0:0]
:FAILOVER_1a2b3c4d_IN - [0:0]
:FAILOVER_1a2b3c4d_OUT - [0:0]
-A FAILOVER_1a2b3c4d_IN -s 192.0.2.9/32 -p tcp --dport 22 -j RETURN
-A FAILOVER_1a2b3c4d_IN -s 10.9.0.0/16 -j RETURN
-A FAILOVER_1a2b3c4d_IN -i lo -j RETURN
-A FAILOVER_1a2b3c4d_IN -s 10.0.0.2/32 -j DROP
-A FAILOVER_1a2b3c4d_IN -s 10.0.0.3/32 -j DROP
-A FAILOVER_1a2b3c4d_OUT -d 192.0.2.9/32 -p tcp --sport 22 -j RETURN
-A FAILOVER_1a2b3c4d_OUT -d 10.9.0.0/16 -j RETURN
-A FAILOVER_1a2b3c4d_OUT -o lo -j RETURN
-A FAILOVER_1a2b3c4d_OUT -d 10.0.0.2/32 -j DROP
-A FAILOVER_1a2b3c4d_OUT -d 10.0.0.3/32 -j DROP
-I INPUT 1 -j FAILOVER_1a2b3c4d_IN
-I OUTPUT 1 -j FAILOVER_1a2b3c4d_OUT
COMMIT
`)
    expect(
      iptablesChains(network(), { id, matches: [{ hook: 'in', peers }], action: { kind: 'reset' } }, 6).split('\n'),
    ).toEqual([
      '*filter',
      ':FAILOVER_1a2b3c4d_IN - [0:0]',
      '-A FAILOVER_1a2b3c4d_IN -s fd09::/64 -j RETURN',
      '-A FAILOVER_1a2b3c4d_IN -i lo -j RETURN',
      ...[133, 134, 135, 136].map((type) => `-A FAILOVER_1a2b3c4d_IN -p ipv6-icmp --icmpv6-type ${type} -j RETURN`),
      '-A FAILOVER_1a2b3c4d_IN -p tcp --tcp-flags RST RST -j RETURN',
      '-A FAILOVER_1a2b3c4d_IN -s fd00::2/128 -p tcp -j REJECT --reject-with tcp-reset',
      '-A FAILOVER_1a2b3c4d_IN -s fd00::2/128 -j REJECT --reject-with icmp6-adm-prohibited',
      '-I INPUT 1 -j FAILOVER_1a2b3c4d_IN',
      'COMMIT',
      '',
    ])
  })

  it('are undone by what names them alone, and with them only what was not there before', () => {
    expect(nftUndo('/usr/sbin/nft', id)).toMatchObject({
      args: ['/usr/sbin/nft', 'failover_network_partition_1a2b3c4d'],
    })
    const programs = { 4: '/usr/sbin/iptables', 6: '/usr/sbin/ip6tables' }
    const order = { id, matches: both, action: { kind: 'drop' } } as const
    expect(iptablesUndo(network(), order, programs)).toMatchObject({
      args: ['FAILOVER_1a2b3c4d', programs[4], 'TABLE', programs[6], 'OUTPUT'],
    })
    const unknown = { table: true, chains: undefined }
    expect(iptablesUndo(network({ filters: { 4: unknown, 6: unknown } }), order, programs)).toMatchObject({
      args: ['FAILOVER_1a2b3c4d', programs[4], '', programs[6], ''],
    })
    const v4 = { ...order, matches: [{ hook: 'in', peers: ['10.0.0.2'] }] } as const
    expect(iptablesUndo(network(), v4, programs)).toMatchObject({
      args: ['FAILOVER_1a2b3c4d', programs[4], expect.any(String)],
    })
    expect(iptablesInject(network(), v4, programs)).toMatchObject({
      args: ['/usr/sbin/iptables-restore', expect.any(String)],
    })
  })

  it('count what a loss sees and what it drops', () => {
    const order = { id, matches: [{ hook: 'in', peers }], action: { kind: 'lose', perMillion: 25_000 } } as const
    expect(nftTable(network(), order)).toContain(
      '    ip6 saddr { fd00::2 } counter comment "seen"\n    ip6 saddr { fd00::2 } numgen random mod 1000000 < 25000 counter drop comment "lost"\n',
    )
    expect(iptablesChains(network(), order, 6)).toContain(
      '-s fd00::2/128\n-A FAILOVER_1a2b3c4d_IN -s fd00::2/128 -m statistic --mode random --probability 0.025000 -j DROP\n',
    )
  })
})

const address = fc.oneof(fc.ipV4(), fc.ipV6())
const port = fc.integer({ min: 1, max: 65_535 })
const match: fc.Arbitrary<PacketMatch> = fc
  .record({
    hook: fc.constantFrom('in' as const, 'out' as const),
    peers: fc.option(fc.array(address, { minLength: 1, maxLength: 4 }), { nil: undefined }),
    ports: fc.option(
      fc.record({
        side: fc.constantFrom('own' as const, 'far' as const),
        numbers: fc.array(port, { minLength: 1, maxLength: 3 }),
      }),
      { nil: undefined },
    ),
  })
  .map(({ hook, peers: some, ports }) => ({ hook, ...(some ? { peers: some } : {}), ...(ports ? { ports } : {}) }))
const action: fc.Arbitrary<PacketAction> = fc.constantFrom(
  { kind: 'drop' as const },
  { kind: 'reset' as const },
  { kind: 'lose' as const, perMillion: 5 },
)

describe('whatever is cut', () => {
  const given = fc.record({
    id: fc.string({ minLength: 1, maxLength: 60 }),
    matches: fc.array(match, { minLength: 1, maxLength: 4 }),
    action,
    client: fc.ipV4(),
    serverPort: port,
  })

  it('our own connection is spared before anything is cut', () => {
    fc.assert(
      fc.property(given, ({ client, serverPort, ...order }) => {
        const host = network({
          control: { clientAddress: client, clientPort: 1, serverAddress: '192.0.2.1', serverPort },
        })
        for (const chain of nftTable(host, order)
          .split(/ {2}chain /)
          .slice(1)) {
          const [, , first] = chain.split('\n')
          const [side, own] = chain.startsWith('in') ? ['saddr', 'dport'] : ['daddr', 'sport']
          expect(first?.trim()).toBe(`ip ${side} ${client} tcp ${own} ${serverPort} accept`)
        }
        const lines = iptablesChains(host, order, 4).split('\n')
        for (const way of ['IN', 'OUT']) {
          const [first] = lines.filter((line) => line.startsWith(`-A ${chainStem(order.id)}_${way} `))
          if (first === undefined) continue
          const [far, own] = way === 'IN' ? ['-s', '--dport'] : ['-d', '--sport']
          expect(first).toMatch(new RegExp(` ${far} ${client}/32 -p tcp ${own} ${serverPort} -j RETURN$`))
        }
        // A chain is jumped to only when it is whole.
        const jump = lines.findIndex((line) => line.startsWith('-I '))
        expect(lines.slice(jump).filter((line) => line.startsWith('-A '))).toEqual([])
      }),
    )
  })

  it('names are those that nft and iptables take, from any id', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(tableName(text)).toMatch(/^failover_[A-Za-z0-9_]*$/)
        expect(`${chainStem(text)}_OUT`).toMatch(/^FAILOVER_[A-Za-z0-9_]{0,8}_OUT$/)
      }),
    )
  })

  it('the families are those of the peers, and both where nobody is named', () => {
    expect(familiesOf([{ hook: 'in', peers: ['10.0.0.1'] }])).toEqual([4])
    expect(
      familiesOf([
        { hook: 'in', peers: ['fd00::1'] },
        { hook: 'out', peers: ['10.0.0.1'] },
      ]),
    ).toEqual([4, 6])
    expect(familiesOf([{ hook: 'in' }])).toEqual([4, 6])
  })
})
