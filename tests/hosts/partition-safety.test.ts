/**
 * What must never happen with faults on the network of real hosts: a fault that is believed and is not there, one that cuts us off,
 * one that hits what it should not, and one that stays.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { eventually, messageOf } from '../../lib/core/index.ts'
import {
  defineFault,
  FaultNotConfirmedError,
  FaultTargetError,
  hostIsolation,
  networkPartition,
  sweep,
  type Fault,
  type FaultPlan,
} from '../../lib/faults/index.ts'
import { firewallOf } from '../../lib/faults/network/host-checks.ts'
import { packetStep } from '../../lib/faults/network/kernel-cut.ts'
import { lossByNetfilter, measureLoss, withinBinomial } from '../../lib/faults/network/loss-by-netfilter.ts'
import type { PacketMatch } from '../../lib/faults/network/packet-rules.ts'
import { surveyHost } from '../../lib/faults/network/survey-host.ts'
import { openShell } from '../../lib/hosts/index.ts'
import { needsBed } from './beds/need.ts'
import { startSshdBed, type SshdBed } from './beds/sshd.ts'
import { abandonedFault } from './network/abandoned.ts'
import { changesSince, statesOf, withEngine } from './network/bench.ts'
import { newConnections } from './network/outcomes.ts'

// The lease has 3 s; an undo that is under way then, and looking at two hosts on a busy machine, take theirs.
const TTL_AND_SLACK = '8s'
const FILTERS = ['nft', 'iptables'] as const

/** A partition whose plan is changed behind its back. */
function planted(change: (plan: FaultPlan) => FaultPlan): Fault {
  const real = networkPartition('east', 'west')
  const { definition, params } = real
  return defineFault({
    ...definition,
    params: z.strictObject({}),
    target: () => 'east↔west',
    affects: () => undefined,
    survey: (context) => definition.survey(context, params),
    plan: (context, _params, facts) => change(definition.plan(context, params, facts)),
    confirm: (context, _params, facts, injected) => definition.confirm(context, params, facts, injected),
    confirmHealed: (context, _params, facts) => definition.confirmHealed(context, params, facts),
  }).with({})
}

describe('a fault that is not there', () => {
  const bed = needsBed('sshd', startSshdBed)
  let before: Awaited<ReturnType<typeof statesOf>>
  beforeEach(async () => (before = await statesOf(bed())))
  afterEach(async () => expect(await changesSince(bed(), before)).toEqual([]))

  it('is not believed: somebody else flushed all rules right after ours were laid', async () => {
    const flushed = planted((plan) => ({
      ...plan,
      steps: [
        ...plan.steps,
        ...plan.steps.map(({ host }) => ({ host, do: { command: ['nft', 'flush', 'ruleset'] }, undo: ['true'] })),
      ],
    }))
    await withEngine(bed(), async ({ engine }) => {
      const error: unknown = await engine.inject(flushed).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(FaultNotConfirmedError)
      expect(messageOf(error)).toMatch(/is answered on new connection, not silent/)
      expect(engine.active).toEqual([])
    })
  })

  it('is not believed: it cuts new connections and lets the open ones go on', async () => {
    const rules = `table inet half { chain out { type filter hook output priority 0; tcp flags & (syn | ack) == syn drop; }; }`
    const half = planted((plan) => ({
      ...plan,
      steps: plan.steps.map(({ host }) => ({
        host,
        do: { command: { script: 'printf %s "$1" | nft -f -', args: [rules] } },
        undo: { script: 'echo "add table inet half; delete table inet half" | nft -f -' },
      })),
    }))
    await withEngine(bed(), async ({ engine }) => {
      const error: unknown = await engine.inject(half).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(FaultNotConfirmedError)
      expect(messageOf(error)).toMatch(/is answered on open connection, not silent/)
      expect(messageOf(error)).not.toMatch(/on new connection/)
    })
  })
})

describe('hosts of other kinds', () => {
  const bed = needsBed('sshd', () => startSshdBed({ ssh: 'data' }))

  it('are cut as a user with sudo, whose SSH connection over the cut network lives on', async () => {
    const before = await statesOf(bed())
    const hosts = [bed().hostAs('deploy', 'a'), bed().hostAs('careful', 'b')]
    await withEngine(
      bed(),
      async ({ engine }) => {
        const fault = await engine.inject(networkPartition('east', 'west', { mode: 'reset' }))
        const isolated = await engine.inject(hostIsolation('east-a')).catch((reason: unknown) => reason)
        // With all of its ways cut already there is nothing to measure it by.
        expect(isolated).toBeInstanceOf(FaultTargetError)
        await fault.heal()
        await (await engine.inject(hostIsolation('east-a'))).heal()
        expect(engine.doubts).toEqual([])
      },
      { hosts },
    )
    // The nap of the lease's watcher ends by itself, within a fifth of a second.
    await expect.poll(() => changesSince(bed(), before), { timeout: 3000, interval: 200 }).toEqual([])
  })

  it('are as before when the first of two faults is healed first, though both used iptables for the first time', async () => {
    const before = await statesOf(bed())
    await withEngine(bed(), async ({ engine }) => {
      const [first, second] = (['heartbeat', 'snapshot'] as const).map((port) =>
        networkPartition('east', 'west', { ports: [port], by: 'iptables' }),
      )
      if (!first || !second) throw new Error('there are two')
      const one = await engine.inject(first)
      const two = await engine.inject(second)
      await one.heal()
      expect((await newConnections(bed()))['a→b snapshot v4']).toBe('silent')
      await two.heal()
    })
    expect(await changesSince(bed(), before)).toEqual([])
  })

  it('are cut from one side where only that has a shell, and the record says so', async () => {
    const { a } = bed().hosts
    await withEngine(
      bed(),
      async ({ engine }) => {
        await using fault = await engine.inject(networkPartition('east', 'west'))
        expect(fault.evidence).toMatchObject({
          by: [{ host: 'east-a', firewall: 'nft' }],
          note: expect.stringMatching(/no host with a shell at west: rules on east-a alone/) as string,
        })
        const outcomes = await newConnections(bed())
        expect(outcomes['b→a data v4']).toBe('silent')
        // West has no addresses but that of its links.
        expect(outcomes['a→b data v6']).toBe('answered')
      },
      { hosts: [a] },
    )
  })

  it('are cut by iptables where nft is missing, and nothing of its own making is left', async () => {
    const before = await statesOf(bed())
    const nft = (verb: string) => bed().exec('a', { script: `${verb} "$(readlink -f /usr/sbin/nft)"` })
    await nft('mount --bind /dev/null')
    try {
      await withEngine(bed(), async ({ engine }) => {
        await using fault = await engine.inject(networkPartition('east', 'west'))
        expect(fault.evidence['by']).toEqual([
          { host: 'east-a', firewall: 'iptables' },
          { host: 'west-b', firewall: 'nft' },
        ])
      })
    } finally {
      await nft('umount')
    }
    expect(await changesSince(bed(), before)).toEqual([])
  })
})

describe('packets that are lost by the packet filter', () => {
  const bed = needsBed('sshd', startSshdBed)

  it.each(FILTERS)('by %s are as many as was asked, and none after the undo', async (by) => {
    const before = await statesOf(bed())
    await withEngine(bed(), async ({ context }) => {
      const { a, b } = bed().addresses
      const id = `packet-loss-0000000${by === 'nft' ? '1' : '2'}`
      const network = await surveyHost(context(id), 'west-b', { peers: [a.ipv4, a.ipv6] })
      const matches: readonly PacketMatch[] = [{ hook: 'in', peers: [a.ipv4, a.ipv6] }]
      const loss = { id, network, matches, probability: 0.2, by }
      const step = lossByNetfilter(loss)
      const shell = context(id).shell('west-b')
      if (!('command' in step.do)) throw new Error('the step is no command')
      expect(await shell.run(step.do.command, { within: '10s' })).toMatchObject({ code: 0 })
      const send = 'exec 3<>"/dev/udp/$1/9980"; for i in {1..1000}; do printf x >&3; done'
      for (const address of [b.ipv4, b.ipv6]) await bed().exec('a', ['bash', '-c', send, 'bash', address])
      const counts = await measureLoss(context(id), loss)
      expect(counts.packets).toBeGreaterThanOrEqual(2000)
      expect(counts.packets).toBeLessThan(2100)
      expect(withinBinomial(counts, 0.2)).toMatchObject({ plausible: true })
      // The measurement tells a loss of half as many from it.
      expect(withinBinomial(counts, 0.1)).toMatchObject({ plausible: false })
      expect(await shell.run(step.undo, { within: '10s' })).toMatchObject({ code: 0 })
      expect(await shell.run(step.undo, { within: '10s' })).toMatchObject({ code: 0 })
      await expect(measureLoss(context(id), loss)).rejects.toThrow(FaultTargetError)
    })
    expect(await changesSince(bed(), before)).toEqual([])
  })
})

describe('rules that nobody owns', () => {
  const bed = needsBed('sshd', startSshdBed)

  it.each(FILTERS)('of %s are found and removed by a sweep', async (by) => {
    await layOrphan(bed(), by)
    await using shell = openShell(bed().hosts.a)
    const directory = bed().hosts.a.leaseDirectory
    const swept = await sweep(directory, { shell })
    expect(swept.map(({ state }) => state)).toEqual(by === 'nft' ? ['orphan'] : ['orphan', 'orphan'])
    expect(swept[0]?.title).toMatch(by === 'nft' ? /nft table inet failover_/ : /iptables chains FAILOVER_/)
    expect(await sweep(directory, { shell })).toEqual([])
    const { stdout } = await bed().exec('a', { script: 'nft list ruleset; iptables-save' })
    expect(stdout.toLowerCase()).not.toContain('failover_')
  })

  async function layOrphan(some: SshdBed, by: (typeof FILTERS)[number]): Promise<void> {
    await withEngine(some, async ({ context }) => {
      const id = 'network-partition-0badcafe'
      const network = await surveyHost(context(id), 'east-a', { peers: [] })
      const order = {
        id,
        matches: [{ hook: 'in', ports: { side: 'own', numbers: [1] } }],
        action: { kind: 'drop' },
      } as const
      const step = packetStep(network, firewallOf(network, [4, 6], by), order)
      expect(await context(id).shell('east-a').run(step.do.command, { within: '10s' })).toMatchObject({ code: 0 })
    })
  }
})

describe('a fault whose runner is killed', () => {
  const bed = needsBed('sshd', () => startSshdBed({ ssh: 'data' }))

  it.each([
    ['network-partition', { between: ['east', 'west'], mode: 'reset', by: 'iptables' }],
    ['one-way-partition', { from: 'west', to: 'east', mode: 'blackhole' }],
    ['host-isolation', { host: 'west-b', mode: 'blackhole' }],
    ['host-isolation', { host: 'east-a', mode: 'reset', by: 'iptables' }],
    ['port-block', { dc: 'west', port: 'heartbeat', mode: 'reset' }],
  ])('%s is undone by its hosts', async (kind, params) => {
    const before = await statesOf(bed())
    await abandonedFault(bed(), { kind, params })
    expect(await changesSince(bed(), before)).not.toEqual([])
    const clean = await eventually(
      async () => {
        const left = await changesSince(bed(), before)
        return left.length === 0 ? { done: true, value: left } : { done: false, seen: left.join('; ') }
      },
      { within: TTL_AND_SLACK, every: '50ms', describe: 'the hosts to be as they were' },
    )
    expect(clean.value).toEqual([])
    const whole = Object.values(await newConnections(bed()))
    expect(whole.filter((outcome) => outcome !== 'answered')).toEqual([])
  })
})
