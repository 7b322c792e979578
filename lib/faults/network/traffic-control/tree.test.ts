import { describe, expect, it } from 'vitest'
import { FaultTargetError } from '../../errors.ts'
import { parseFigures, qdiscGrowth } from './figures.ts'
import { leafOf, type KernelQueueing } from './leaf.ts'
import { readCounters, rootOf } from './qdisc.ts'
import { formatRate, isRate, toBitsPerSecond } from './rate.ts'
import { readSurvey, refusalOf } from './survey.ts'
import { handlesOf, outgoing, treeLines, unhitLines } from './tree.ts'

const unknown = 'Error: Specified qdisc kind is unknown.'
const whole: KernelQueueing = { htb: true, u32: true, netem: true, tbf: true, blackhole: true }
const host = { host: 'east-1', mtu: 1500 }

describe('the tree of a fault', () => {
  it('lets everything go straight, exempts first, and leads the named peers to the leaf', () => {
    const handles = handlesOf('latency-1a2b3c4d')
    expect(handles.root).toMatch(/^fa[0-9a-f]{2}$/)
    expect(handles.leaf.slice(2)).toBe(handles.root.slice(2))
    const tree = {
      interface: 'eth0',
      handles: { root: 'fa17', leaf: 'fb17' },
      leaf: leafOf({ delay: { delayMs: 100, jitterMs: 20, correlation: 25 } }, { kernel: whole, ...host }),
      exempt: [{ to: '192.0.2.9', sourcePort: 22 }, { to: '10.0.0.0/8' }, { to: 'fd00:1::/64' }],
      hit: outgoing(['198.51.100.7', 'fd00::7'], { theirs: [8081], ours: [8082] }),
    }
    expect(treeLines(tree)).toEqual([
      'qdisc add dev eth0 root handle fa17: htb default 0 direct_qlen 1000',
      'class add dev eth0 parent fa17: classid fa17:1 htb rate 32gbit burst 1mb cburst 1mb quantum 60000',
      'qdisc add dev eth0 parent fa17:1 handle fb17: netem limit 10000 delay 110000us 10000us 25%',
      'filter add dev eth0 parent fa17: protocol ip pref 1 u32 match ip dst 192.0.2.9/32 match ip sport 22 0xffff flowid fa17:0',
      'filter add dev eth0 parent fa17: protocol ip pref 1 u32 match ip dst 10.0.0.0/8 flowid fa17:0',
      'filter add dev eth0 parent fa17: protocol ipv6 pref 2 u32 match ip6 dst fd00:1::/64 flowid fa17:0',
      'filter add dev eth0 parent fa17: protocol ip pref 3 u32 match ip dst 198.51.100.7/32 match ip dport 8081 0xffff flowid fa17:1',
      'filter add dev eth0 parent fa17: protocol ip pref 3 u32 match ip dst 198.51.100.7/32 match ip sport 8082 0xffff flowid fa17:1',
      'filter add dev eth0 parent fa17: protocol ipv6 pref 4 u32 match ip6 dst fd00::7/128 match ip6 dport 8081 0xffff flowid fa17:1',
      'filter add dev eth0 parent fa17: protocol ipv6 pref 4 u32 match ip6 dst fd00::7/128 match ip6 sport 8082 0xffff flowid fa17:1',
    ])
    expect(unhitLines(tree)).toEqual([
      'filter del dev eth0 parent fa17: protocol ip pref 3',
      'filter del dev eth0 parent fa17: protocol ipv6 pref 4',
    ])
  })
})

describe('the leaf of a fault', () => {
  it('is what the kernel has for it', () => {
    expect(leafOf({ rateBitsPerSecond: 1e6 }, { kernel: whole, ...host })).toEqual({
      kind: 'tbf',
      args: ['rate', '1000000bit', 'burst', '4554b', 'latency', '400ms'],
    })
    const noTbf = { ...whole, tbf: unknown }
    expect(leafOf({ rateBitsPerSecond: 1e6 }, { kernel: noTbf, ...host })).toMatchObject({ kind: 'netem' })
    expect(leafOf({ isDown: true }, { kernel: whole, ...host }).kind).toBe('blackhole')
    expect(
      leafOf({ delay: { delayMs: 10, jitterMs: 0 }, reorderPercent: 20 }, { kernel: whole, ...host }).args.join(' '),
    ).toBe('limit 10000 delay 10000us reorder 20%')
    expect(
      leafOf({ lossPercent: 1.5, corruptPercent: 2, duplicatePercent: 3 }, { kernel: whole, ...host }).args.join(' '),
    ).toBe('limit 10000 loss 1.5% corrupt 2% duplicate 3%')
  })

  it('is refused with what the kernel lacks and what it has', () => {
    const bare = { ...whole, netem: unknown }
    const refuse = (kernel: KernelQueueing) => () =>
      leafOf({ delay: { delayMs: 10, jitterMs: 0 } }, { kernel, ...host })
    expect(refuse(bare)).toThrow(FaultTargetError)
    expect(refuse(bare)).toThrow(/kernel of east-1 cannot delay packets: it lacks netem \(Error: Specified qdisc kind/)
    expect(refuse({ ...whole, htb: unknown })).toThrow(/lacks htb .*single peers cannot be told apart/)
  })
})

describe('what tc shows', () => {
  it('is read from old and new versions', () => {
    const old = `qdisc netem fb17: parent fa17:1 limit 10000 delay 100.0ms  10.0ms loss 5%
 Sent 3528 bytes 36 pkt (dropped 2, overlimits 0 requeues 7)
 rate 0bit 0pps backlog 1514b 1p requeues 7
`
    const now = `qdisc htb fa17: root refcnt 2 r2q 10 default 0 direct_packets_stat 41 direct_qlen 1000
 Sent 120 bytes 1 pkts (dropped 0, overlimits 3 requeues 0) 
 backlog 5Kb 4p requeues 0
qdisc tbf fb17: parent fa17:1 rate 1Mbit burst 5Kb lat 400ms 
 Sent 9000000000 bytes 6000000 pkt (dropped 12, overlimits 99 requeues 0) 
 backlog 15140b 10p requeues 0
`
    expect(readCounters(old)).toEqual([
      {
        kind: 'netem',
        handle: 'fb17',
        bytes: 3528,
        packets: 36,
        dropped: 2,
        overlimits: 0,
        requeues: 7,
        backlogPackets: 1,
      },
    ])
    expect(readCounters(now).map(({ handle, bytes, backlogPackets }) => [handle, bytes, backlogPackets])).toEqual([
      ['fa17', 120, 4],
      ['fb17', 9_000_000_000, 10],
    ])
    expect(readCounters('Cannot find device "eth7"\n')).toEqual([])
  })

  it.each([
    ['qdisc noqueue 0: root refcnt 2 ', 'default'],
    ['qdisc pfifo_fast 0: root refcnt 2 bands 3 priomap 1 2 2 2 1 2 0 0 1 1 1 1 1 1 1 1', 'default'],
    [
      'qdisc mq 0: root \nqdisc fq_codel 0: parent :2 limit 10240p\nqdisc fq_codel 0: parent :1 limit 10240p',
      'default',
    ],
    ['qdisc noqueue 0: root refcnt 2 \nqdisc clsact ffff: parent ffff:fff1 ', 'default'],
    ['qdisc htb fa17: root refcnt 2 r2q 10', 'ours'],
    ['qdisc htb 1: root refcnt 2 r2q 10', 'foreign'],
    ['qdisc tbf 8001: root refcnt 2 rate 1Mbit', 'foreign'],
    ['qdisc mq 0: root \nqdisc fq 8003: parent :1 limit 10000p', 'foreign'],
    ['qdisc prio fa17: root refcnt 2', 'foreign'],
  ])('tells whose the root is: %s', (text, kind) => {
    expect(rootOf(text).kind).toBe(kind)
  })

  it('is refused where it would not be there again', () => {
    const refuse = (qdiscs: string, standard: string) =>
      refusalOf({ host: 'east-1', device: 'eth0', qdiscs, standard })?.message
    expect(refuse('qdisc fq_codel 0: root refcnt 2', 'fq_codel')).toBeUndefined()
    expect(refuse('qdisc fq_codel 0: root refcnt 2', '')).toBeUndefined()
    expect(refuse('qdisc pfifo_fast 0: root refcnt 2', 'fq_codel')).toMatch(/would put back fq_codel/)
    expect(refuse('qdisc tbf 1: root refcnt 2 rate 1Mbit', 'fq_codel')).toMatch(/is not the kernel's own.*tbf 1: root/)
    expect(refuse('qdisc htb fa17: root refcnt 2', '')).toMatch(/already carries a fault/)
  })
})

describe('the survey', () => {
  const text = [
    'kind\thtb\tyes',
    'kind\tu32\tyes',
    `kind\tnetem\t${unknown}`,
    'kind\ttbf\tyes',
    'kind\tblackhole\tyes',
    'default\tpfifo_fast',
    'interface\teth0\t3: eth0@v1: <UP> mtu 9000 qdisc noqueue state UP mode DEFAULT group default qlen 500\\    link/ether',
    'qdisc\teth0\tqdisc noqueue 0: root refcnt 2 ',
    'end',
  ]
  const devices = new Map([['eth0', ['10.0.0.7']]])

  it('says what the kernel has and how the interface was', () => {
    expect(readSurvey('east-1', text.join('\n'), devices)).toEqual({
      kernel: { htb: true, u32: true, netem: unknown, tbf: true, blackhole: true },
      egress: [
        {
          interface: 'eth0',
          mtu: 9000,
          queueLength: 500,
          peers: ['10.0.0.7'],
          before: 'qdisc noqueue 0: root refcnt 2 \nqlen 500',
        },
      ],
    })
  })

  it('is refused where it broke off, or the interface is unknown', () => {
    expect(() => readSurvey('east-1', text.slice(0, -1).join('\n'), devices)).toThrow(/broke off/)
    const other = new Map([['eth7', ['10.0.0.7']]])
    expect(() => readSurvey('east-1', text.join('\n'), other)).toThrow(/no network interface "eth7"/)
  })
})

describe('figures of a host', () => {
  const figures = (sent: number, errors: number): string =>
    [
      'uptime\t120.50',
      'tc\teth0\tqdisc netem fb17: parent fa17:1 limit 10000 loss 5%',
      `tc\teth0\t Sent ${sent * 100} bytes ${sent} pkt (dropped ${sent / 20}, overlimits 0 requeues 0) `,
      'tc\teth0\t backlog 0b 0p requeues 0',
      'file\tsnmp\tTcp: RtoAlgorithm MaxConn RetransSegs InCsumErrors',
      `file\tsnmp\tTcp: 1 -1 17 ${errors}`,
      'file\tsnmp6\tIp6InHdrErrors                  \t4',
      'file\tnetstat\tTcpExt: TCPDSACKOldSent TCPOFOQueue',
      'file\tnetstat\tTcpExt: 3 9',
      'end',
    ].join('\n')

  it('are read, and grow', () => {
    const [before, after] = [parseFigures('h', figures(100, 1)), parseFigures('h', figures(300, 8))]
    expect(before.uptimeMs).toBe(120_500)
    expect(before.protocols).toMatchObject({
      'Tcp.RetransSegs': 17,
      'Tcp.MaxConn': -1,
      Ip6InHdrErrors: 4,
      'TcpExt.TCPOFOQueue': 9,
    })
    expect(qdiscGrowth(before, after, { interface: 'eth0', handle: 'fb17' })).toMatchObject({
      packets: 200,
      dropped: 10,
    })
    expect(qdiscGrowth(before, after, { interface: 'eth0', handle: 'fb18' })).toBeUndefined()
    expect(after.protocols['Tcp.InCsumErrors']).toBe(8)
  })

  it('are refused where they broke off', () => {
    expect(() => parseFigures('east-1', 'uptime\t1.00\n')).toThrow(/figures of east-1 could not be read/)
  })
})

describe('a rate', () => {
  it('has a unit', () => {
    expect(['1mbit', '2.5kbit', '100bit', '1gbit'].map((rate) => toBitsPerSecond(rate as '1mbit'))).toEqual([
      1e6, 2500, 100, 1e9,
    ])
    expect(['1', '1 mbit', 'mbit', '1MB', 5].some(isRate)).toBe(false)
    expect([500, 950_000, 1_020_000, 2e9].map(formatRate)).toEqual(['500bit/s', '950kbit/s', '1.02mbit/s', '2gbit/s'])
  })
})
