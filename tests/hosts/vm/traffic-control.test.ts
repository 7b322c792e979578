/**
 * Faults by traffic control on a stock kernel with netem, in a VM: each is injected into real hosts over SSH, measured by its own
 * probes and by the machines themselves, and leaves tc as it found it, byte for byte.
 */
import { describe, expect, it } from 'vitest'
import {
  bandwidth,
  corruption,
  duplication,
  highLatencyWithLoss,
  latency,
  packetLoss,
  reordering,
  type Fault,
} from '../../../lib/faults/index.ts'
import { needsBed } from '../beds/need.ts'
import { roundTripMs } from '../beds/testing.ts'
import { startVmBed } from '../beds/vm.ts'
import { bedBench } from '../network/bed-bench.ts'

interface Case {
  readonly name: string
  readonly fault: () => Fault
  readonly by: string
  readonly shows: RegExp
}

const CASES: readonly Case[] = [
  {
    name: 'delay with jitter',
    fault: () => latency('east', 'west', { delay: '120ms', jitter: '60ms' }),
    by: 'tc netem',
    shows: /netem fb..: parent fa..:1 limit 10000 delay 150(\.0)?ms +30(\.0)?ms/,
  },
  { name: 'loss', fault: () => packetLoss('east', 'west', { percent: 8 }), by: 'tc netem', shows: /netem .* loss 8%/ },
  { name: 'corruption', fault: () => corruption('east', 'west', { percent: 8 }), by: 'tc netem', shows: /corrupt 8%/ },
  {
    name: 'duplication',
    fault: () => duplication('east', 'west', { percent: 10 }),
    by: 'tc netem',
    shows: /duplicate 10%/,
  },
  {
    name: 'reordering',
    fault: () => reordering('east', 'west', { percent: 20, delay: '30ms' }),
    by: 'tc netem',
    shows: /delay 30(\.0)?ms reorder 20%/,
  },
  {
    name: 'a rate',
    fault: () => bandwidth('east', 'west', { rate: '300kbit' }),
    by: 'tc tbf',
    shows: /tbf .* rate 300Kbit/,
  },
  {
    name: 'latency with loss',
    fault: () => highLatencyWithLoss('east', 'west', { delay: '100ms', percent: 10 }),
    by: 'tc netem',
    shows: /delay 100(\.0)?ms loss 10%/,
  },
]

describe('traffic control on a stock kernel', { timeout: 400_000 }, () => {
  const bed = needsBed('vm', startVmBed)

  it.each(CASES)(
    'makes and measures $name, on IPv4 and IPv6, and leaves tc as it was',
    async ({ name: what, fault, by, shows }) => {
      await using bench = await bedBench(bed())
      const active = await bench.engine.inject(fault())
      expect(active.evidence).toMatchObject({ by })
      console.info(what, JSON.stringify(active.evidence))
      for (const name of ['a', 'b'] as const) {
        const { stdout } = await bed().exec(name, ['tc', 'qdisc', 'show', 'dev', 'eth0'])
        expect(stdout).toMatch(shows)
      }
      await active.heal()
      expect(await bench.left()).toEqual([])
      expect(bench.engine.doubts).toEqual([])
    },
  )

  it('hits the named peer alone: another address of the same machine keeps its round trip', async () => {
    const [a, b] = [bed().hosts.a, bed().hosts.b]
    const { ipv4, ipv6 } = bed().addresses.b
    const port = bed().ports.heartbeat
    const other = ipv4.replace(/\d+$/, '14')
    await bed().exec('b', ['ip', 'addr', 'add', `${other}/28`, 'dev', 'eth0'])
    try {
      await using bench = await bedBench(bed(), { environment: { hosts: [a, { ...b, addresses: [ipv4, ipv6] }] } })
      await using fault = await bench.engine.inject(latency({ from: 'east', to: 'west' }, { delay: '300ms' }))
      expect(fault.target).toBe('east→west')
      expect(await roundTripMs(bed(), 'a', ipv4, port)).toBeGreaterThan(290)
      expect(await roundTripMs(bed(), 'a', ipv6, port)).toBeGreaterThan(290)
      expect(await roundTripMs(bed(), 'a', other, port)).toBeLessThan(150)
    } finally {
      await bed().exec('b', ['ip', 'addr', 'del', `${other}/28`, 'dev', 'eth0'])
    }
  })

  it('is undone by the host when the runner is gone', async () => {
    let isCut = false
    const bench = await bedBench(bed(), { ttl: '12s', isCut: () => isCut })
    const fault = await bench.engine.inject(latency('east', 'west', { delay: '80ms' }))
    isCut = true
    await expect.poll(() => bench.left(), { timeout: 60_000, interval: 500 }).toEqual([])
    isCut = false
    await fault.heal()
    expect(bench.engine.doubts.join()).toMatch(/has undone the fault by itself/)
    await bench[Symbol.asyncDispose]()
  })
})
