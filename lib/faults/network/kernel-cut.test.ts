import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { InjectedSteps } from '../definition.ts'
import { effectOf, type CutHost } from './kernel-cut.ts'
import { readSurvey } from './survey-host.ts'
import { chainCounts, nftCounts, withinBinomial } from './loss-by-netfilter.ts'

const network = readSurvey('any', [], [['end']])
const host = (dc: 'east' | 'west'): CutHost => ({
  dc,
  network,
  firewall: { kind: 'nft', nft: '/usr/sbin/nft' },
  matches: [],
})
const steps = (...times: readonly (readonly [number, number])[]): InjectedSteps => ({
  at: { earliest: 0, latest: 100 },
  steps: times.map(([earliest, latest]) => ({ at: { earliest, latest } })),
})

describe('the instant of a cut', () => {
  it('ends when one side is complete, whichever is first', () => {
    const hosts = [host('east'), host('east'), host('west')]
    expect(effectOf(hosts, steps([1, 5], [2, 30], [3, 9]))).toEqual({ earliest: 1, latest: 9 })
    expect(effectOf(hosts, steps([1, 5], [2, 8], [3, 50]))).toEqual({ earliest: 1, latest: 8 })
    expect(effectOf([host('east')], steps([4, 7]))).toEqual({ earliest: 4, latest: 7 })
  })

  it('is not known from steps that are not those of the hosts', () => {
    expect(effectOf([host('east'), host('west')], steps([1, 5]))).toBeUndefined()
    expect(effectOf([host('east')], steps([1, 5], [2, 6]))).toBeUndefined()
    expect(effectOf([], steps())).toBeUndefined()
  })
})

describe('the counters of a loss', () => {
  it('are read from nft', () => {
    const text = `table inet failover_x {
	chain in {
		ip saddr { 10.0.0.2 } counter packets 100 bytes 5000 comment "seen"
		ip saddr { 10.0.0.2 } numgen random mod 1000000 < 20000 counter packets 3 bytes 150 drop comment "lost"
		ip6 saddr fd00::2 counter packets 11 bytes 700 comment "seen"
		ip6 saddr fd00::2 numgen random mod 1000000 < 20000 counter packets 1 bytes 60 drop comment "lost"
	}
}`
    expect(nftCounts(text)).toEqual({ packets: 111, dropped: 4 })
    expect(nftCounts('table inet failover_x {\n}')).toBeUndefined()
  })

  it('are read from iptables, those of this fault alone', () => {
    const text = `-P INPUT ACCEPT -c 12 700
-A INPUT -c 20 1200 -j FAILOVER_1a2b3c4d_IN
-A FAILOVER_1a2b3c4d_IN -i lo -c 5 300 -j RETURN
-A FAILOVER_1a2b3c4d_IN -s 10.0.0.2/32 -c 100 5000
-A FAILOVER_1a2b3c4d_IN -s 10.0.0.2/32 -m statistic --mode random --probability 0.02000000002 -c 3 150 -j DROP
-A FAILOVER_99999999_IN -s 10.0.0.2/32 -c 7 70
-A FAILOVER_99999999_IN -s 10.0.0.2/32 -m statistic --mode random --probability 0.5 -c 7 70 -j DROP`
    expect(chainCounts(text, 'packet-loss-1a2b3c4d')).toEqual({ packets: 100, dropped: 3 })
    expect(chainCounts(text, 'packet-loss-00000000')).toBeUndefined()
  })

  it('fit a probability within chance, and no other', () => {
    expect(withinBinomial({ packets: 1000, dropped: 200 }, 0.2)).toEqual({ plausible: true, lower: 149, upper: 251 })
    expect(withinBinomial({ packets: 1000, dropped: 148 }, 0.2).plausible).toBe(false)
    expect(withinBinomial({ packets: 1000, dropped: 252 }, 0.2).plausible).toBe(false)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (packets, p) => {
        const dropped = Math.round(packets * p)
        expect(withinBinomial({ packets, dropped }, p).plausible).toBe(true)
      }),
    )
    expect(withinBinomial({ packets: 10, dropped: 1 }, 0).plausible).toBe(false)
    expect(withinBinomial({ packets: 10, dropped: 9 }, 1).plausible).toBe(false)
  })
})
