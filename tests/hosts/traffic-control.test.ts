/**
 * Faults by traffic control on hosts whose kernel has no netem (this machine's own): what it has is used and named, what it lacks
 * is refused with the reason, and what was there before stays.
 */
import { describe, expect, it } from 'vitest'
import { messageOf } from '../../lib/core/index.ts'
import {
  bandwidth,
  corruption,
  duplication,
  FaultTargetError,
  flapping,
  highLatencyWithLoss,
  latency,
  packetLoss,
  reordering,
  sweep,
  type Fault,
  type FaultEngine,
} from '../../lib/faults/index.ts'
import { trafficControlLeftovers } from '../../lib/faults/network/traffic-control/leftovers.ts'
import { needsBed } from './beds/need.ts'
import { startSshdBed } from './beds/sshd.ts'
import { bedBench } from './network/bed-bench.ts'

async function refused(engine: FaultEngine, fault: Fault): Promise<FaultTargetError> {
  const error: unknown = await engine.inject(fault).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(FaultTargetError)
  return error as FaultTargetError
}

describe('traffic control on a kernel without netem', { timeout: 180_000 }, () => {
  const bed = needsBed('sshd', startSshdBed)
  const run = async (name: 'a' | 'b', line: string): Promise<string> => {
    const { stdout, stderr, code } = await bed().exec(name, { script: line })
    if (code !== 0) throw new Error(`${line}: ${stderr}`)
    return stdout
  }

  it('limits a rate by tbf, in each direction, and measures it', async () => {
    await using bench = await bedBench(bed())
    const fault = await bench.engine.inject(bandwidth('east', 'west', { rate: '2mbit' }))
    expect(fault.evidence).toMatchObject({
      by: 'tc tbf',
      rate: {
        measured: [
          { from: 'east-a', interface: 'eth0' },
          { from: 'west-b', interface: 'eth0' },
        ],
      },
    })
    for (const name of ['a', 'b'] as const) {
      const text = await run(name, 'tc qdisc show dev eth0; tc filter show dev eth0')
      expect(text).toMatch(/qdisc htb (fa..): root.*\n.*qdisc tbf fb..: parent \1:1 rate 2Mbit/)
      // Both families of the peer, and before them the management network.
      expect(text).toMatch(/protocol ip pref 1 .*\*flowid fa..: /s)
      expect(text).toMatch(/protocol ip pref 3 .*\*flowid fa..:1/s)
      expect(text).toMatch(/protocol ipv6 pref 4 .*\*flowid fa..:1/s)
    }
    await fault.heal()
    expect(await bench.left()).toEqual([])
    expect(bench.engine.doubts).toEqual([])
  })

  it('limits what one side sends, to some ports alone', async () => {
    await using bench = await bedBench(bed())
    const fault = await bench.engine.inject(
      bandwidth({ from: 'east', to: 'west' }, { rate: '1mbit', ports: ['snapshot'] }),
    )
    expect(fault.target).toBe('east→west (snapshot)')
    expect(await run('b', 'tc qdisc show dev eth0')).not.toContain('htb')
    const filters = await run('a', 'tc filter show dev eth0')
    // 8082 = 0x1f92, as the destination and as the source.
    expect(filters).toContain('match 00001f92/0000ffff at 20')
    expect(filters).toContain('match 1f920000/ffff0000 at 20')
    expect(filters).not.toContain('1f91')
    await fault.heal()
    expect(await bench.left()).toEqual([])
  })

  it('loses packets by the packet filter, and names it', async () => {
    await using bench = await bedBench(bed())
    const fault = await bench.engine.inject(packetLoss('east', 'west', { percent: 5 }))
    expect(fault.evidence).toMatchObject({
      by: 'packet filter (random), for lack of netem',
      packets: { packets: [{ from: 'east-a' }, { from: 'west-b' }] },
    })
    expect(bench.events.find((event) => event.type === 'fault' && event.state === 'planned')).toMatchObject({
      detail: expect.stringMatching(/packet filter's random match.*no netem: Error: Specified qdisc kind is unknown/),
    })
    await fault.heal()
    expect(await bench.left()).toEqual([])
    expect(bench.engine.doubts).toEqual([])
  })

  it.each([
    ['latency', latency('east', 'west', { delay: '50ms' }), 'delay'],
    ['corruption', corruption('east', 'west', { percent: 5 }), 'corrupt'],
    ['duplication', duplication('east', 'west', { percent: 5 }), 'duplicate'],
    ['reordering', reordering('east', 'west', { percent: 5 }), 'delay and reorder'],
    ['latency with loss', highLatencyWithLoss('east', 'west', { delay: '50ms', percent: 5 }), 'delay and lose'],
  ])('refuses %s, saying what the kernel lacks and what it has', async (_name, fault, what) => {
    await using bench = await bedBench(bed())
    const error = await refused(bench.engine, fault)
    expect(messageOf(error)).toMatch(
      new RegExp(
        `kernel of (east-a|west-b) cannot ${what} packets: it lacks netem \\(Error: Specified qdisc kind is unknown`,
      ),
    )
    expect(error.remedy).toMatch(/sch_netem.*a rate \(tbf\), loss \(by the packet filter\), partition/)
    expect(await bench.left()).toEqual([])
    expect(bench.events).toEqual([])
  })

  it('takes a link down and up by turns, and leaves neither worker nor filter', async () => {
    await using bench = await bedBench(bed())
    const fault = await bench.engine.inject(flapping('east', 'west', { down: '1500ms', up: '2s' }))
    expect(fault.evidence).toMatchObject({ turns: { 'east-a': expect.any(Number), 'west-b': expect.any(Number) } })
    await fault.heal()
    expect(await bench.left()).toEqual([])
    expect(bench.engine.doubts).toEqual([])
  })

  it('refuses a foreign queueing discipline before anything is armed, and leaves it alone', async () => {
    await run('b', 'tc qdisc add dev eth0 root handle 1: tbf rate 800mbit burst 1mb latency 50ms')
    try {
      await using bench = await bedBench(bed())
      const error = await refused(bench.engine, bandwidth('east', 'west', { rate: '2mbit' }))
      expect(messageOf(error)).toMatch(
        /eth0 of west-b has a queueing discipline that is not the kernel's own.*qdisc tbf 1: root/,
      )
      expect(error.remedy).toContain('tc qdisc del dev eth0 root')
      const flaps = await refused(bench.engine, flapping('east', 'west', { down: '1s', up: '1s' }))
      expect(messageOf(flaps)).toContain('qdisc tbf 1: root')
      // The other way does not go through it.
      const fault = await bench.engine.inject(bandwidth({ from: 'east', to: 'west' }, { rate: '2mbit' }))
      const again = await refused(bench.engine, bandwidth({ from: 'east', to: 'west' }, { rate: '1mbit' }))
      expect(messageOf(again)).toMatch(/eth0 of east-a already carries a fault by traffic control: qdisc htb fa/)
      await fault.heal()
      expect(await bench.left()).toEqual([])
    } finally {
      await run('b', 'tc qdisc del dev eth0 root')
    }
  })

  it('gives an interface back the length of its queue that the kernel took from it', async () => {
    for (const name of ['a', 'b'] as const) await run(name, 'ip link set eth0 txqueuelen 0')
    try {
      await using bench = await bedBench(bed())
      const fault = await bench.engine.inject(bandwidth('east', 'west', { rate: '4mbit' }))
      expect(await run('a', 'ip -o link show dev eth0')).toContain('qlen 1000')
      await fault.heal()
      expect(await run('a', 'ip -o link show dev eth0')).not.toContain('qlen')
      expect(await bench.left()).toEqual([])
    } finally {
      for (const name of ['a', 'b'] as const) await run(name, 'ip link set eth0 txqueuelen 1000')
    }
  })

  it('refuses an interface that packets do not take, and an unknown peer', async () => {
    const [a, b] = [bed().hosts.a, bed().hosts.b]
    await using odd = await bedBench(bed(), { environment: { hosts: [{ ...a, networkInterface: 'mgmt0' }, b] } })
    expect(messageOf(await refused(odd.engine, bandwidth('east', 'west', { rate: '2mbit' })))).toMatch(
      /east-a reaches .* through eth0, not through its networkInterface mgmt0/,
    )
    await using lost = await bedBench(bed(), {
      environment: { hosts: [a, { ...b, addresses: ['no-such-host.invalid'] }] },
    })
    expect(messageOf(await refused(lost.engine, bandwidth('east', 'west', { rate: '2mbit' })))).toMatch(
      /cannot resolve no-such-host\.invalid/,
    )
  })

  it('refuses a limit that nobody could see', async () => {
    await using bench = await bedBench(bed())
    const error = await refused(bench.engine, bandwidth({ from: 'west', to: 'east' }, { rate: '40gbit' }))
    expect(messageOf(error)).toMatch(/carries .*, so a limit of 40gbit\/s could not be seen/)
    expect(await bench.left()).toEqual([])
  })

  it('is found and taken away by a sweep when nobody holds it', async () => {
    await using bench = await bedBench(bed())
    await run('a', 'tc qdisc add dev eth0 root handle fa5c: htb; tc qdisc add dev lo root handle 5c: htb')
    try {
      const { leaseDirectory } = bed().hosts.a
      const shell = bench.shells.byName['east-a']
      if (!shell) throw new Error('there is no shell of east-a')
      expect(await sweep(leaseDirectory, { shell, scans: [trafficControlLeftovers] })).toMatchObject([
        { state: 'orphan', title: 'queueing discipline fa5c: on eth0' },
      ])
      expect(await run('a', 'tc qdisc show')).toContain('qdisc htb 5c: dev lo root')
    } finally {
      await run('a', 'tc qdisc del dev lo root')
    }
    expect(await bench.left()).toEqual([])
  })
})

describe('traffic control where SSH goes over the interface that is hit', { timeout: 180_000 }, () => {
  const bed = needsBed('sshd', () => startSshdBed({ ssh: 'data' }))

  it('leaves our own connection alone, and is undone when the runner is gone', async () => {
    let isCut = false
    const bench = await bedBench(bed(), { ttl: '4s', isCut: () => isCut })
    const fault = await bench.engine.inject(flapping('east', 'west', { down: '1s', up: '1s' }))
    expect(fault.evidence).toMatchObject({ turns: { 'east-a': expect.any(Number) } })
    isCut = true
    await expect.poll(() => bench.left(), { timeout: 20_000, interval: 200 }).toEqual([])
    isCut = false
    await fault.heal()
    expect(bench.engine.doubts.join()).toMatch(/has undone the fault by itself/)
    await bench[Symbol.asyncDispose]()
  })
})
