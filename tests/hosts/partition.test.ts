/**
 * Faults on the network of real hosts by their packet filter: with nft and with iptables, on hosts without rules and on hosts whose
 * own rules accept what is established and drop what they do not know, with SSH over a network of its own and over the very one
 * that is cut. What a fault does is looked at twice: by its own probes, and by the machines themselves.
 */
import { describe, expect, it } from 'vitest'
import { hostIsolation, networkPartition, oneWayPartition, portBlock, type Fault } from '../../lib/faults/index.ts'
import type { Bed } from './beds/bed.ts'
import { needsBed } from './beds/need.ts'
import { startSshdBed } from './beds/sshd.ts'
import { changesSince, statesOf, withEngine } from './network/bench.ts'
import {
  nameOf,
  newConnections,
  openConnections,
  otherProtocols,
  WAYS,
  type Outcome,
  type Way,
} from './network/outcomes.ts'
import { clearRules, layRules } from './network/own-rules.ts'

/** What each fault must do to the ways between the machines; `a` is east. */
interface Case {
  readonly name: string
  readonly fault: (options: { mode: 'blackhole' | 'reset'; by: 'nft' | 'iptables' }) => Fault
  readonly cuts: (way: Way) => boolean
  /** Other protocols than TCP are cut, too. */
  readonly cutsAll: boolean
}

const CASES: readonly Case[] = [
  {
    name: 'a partition',
    fault: (options) => networkPartition('east', 'west', options),
    cuts: () => true,
    cutsAll: true,
  },
  {
    name: 'a partition of the heartbeat port',
    fault: (options) => networkPartition('east', 'west', { ...options, ports: ['heartbeat'] }),
    cuts: ({ port }) => port === 'heartbeat',
    cutsAll: false,
  },
  {
    name: 'a one-way partition',
    fault: (options) => oneWayPartition({ from: 'east', to: 'west', ...options }),
    cuts: ({ from, port }) => from === 'a' && port !== 'data',
    cutsAll: false,
  },
  {
    name: 'an isolated host',
    fault: (options) => hostIsolation('west-b', options),
    cuts: () => true,
    cutsAll: true,
  },
  {
    name: 'a port that is blocked',
    fault: (options) => portBlock({ dc: 'west', port: 9980, ...options }),
    cuts: ({ to, port }) => to === 'b' && port === 'data',
    cutsAll: false,
  },
]

/** The whole way of a fault, looked at from the machines. */
async function tryCase(bed: Bed, one: Case, options: { mode: 'blackhole' | 'reset'; by: 'nft' | 'iptables' }) {
  const before = await statesOf(bed)
  await using open = await openConnections(bed)
  await withEngine(bed, async ({ engine }) => {
    const fault = await engine.inject(one.fault(options))
    const cut: Outcome = options.mode === 'reset' ? 'reset' : 'silent'
    const wanted = Object.fromEntries(WAYS.map((way) => [nameOf(way), one.cuts(way) ? cut : 'answered']))
    const [onOpen, onNew] = await Promise.all([open.ask(), newConnections(bed)])
    expect(fault.evidence['by']).toContainEqual({ host: 'west-b', firewall: options.by })
    expect(onOpen, 'connections that were open').toEqual(wanted)
    expect(onNew, 'new connections').toEqual(wanted)
    for (const from of ['a', 'b'] as const) {
      const goes = !one.cutsAll
      expect(await otherProtocols(bed, from)).toEqual({ icmp: goes, udp4: goes, udp6: goes })
    }
    await fault.heal()
    expect(engine.doubts).toEqual([])
  })
  const whole = Object.fromEntries(WAYS.map((way) => [nameOf(way), 'answered']))
  expect(await newConnections(bed), 'after the heal').toEqual(whole)
  expect(await changesSince(bed, before)).toEqual([])
}

const FILTERS = ['nft', 'iptables'] as const
const MODES = ['blackhole', 'reset'] as const
const all = CASES.flatMap((one) => FILTERS.flatMap((by) => MODES.map((mode) => ({ name: one.name, one, by, mode }))))

describe('hosts without rules, SSH over a network of its own', () => {
  const bed = needsBed('sshd', startSshdBed)
  it.each(all)('$name, $mode, by $by', async ({ one, by, mode }) => {
    await tryCase(bed(), one, { mode, by })
  })
})

describe.each(['nft', 'iptables'] as const)(
  'hosts with %s rules of their own, SSH over the network that is cut',
  (kind) => {
    const bed = needsBed('sshd', () => startSshdBed({ ssh: 'data' }))
    it.each(all)('$name, $mode, by $by', async ({ one, by, mode }) => {
      await layRules(bed(), kind)
      try {
        await tryCase(bed(), one, { mode, by })
      } finally {
        await clearRules(bed(), kind)
      }
    })
  },
)
