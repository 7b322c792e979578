/**
 * A management API that answers this machine late, by a kernel that has netem: what answers over HTTP in the VM is a stand-in, the
 * client that measures it is the real one.
 */
import { describe, expect, it } from 'vitest'
import { Secret } from '../../../lib/core/index.ts'
import { restSlow, type FaultEnvironment } from '../../../lib/faults/index.ts'
import { openDataExchange, openManagement } from '../../../lib/streams/index.ts'
import { needsBed } from '../beds/need.ts'
import { collectParts } from '../beds/parts.ts'
import { roundTripMs } from '../beds/testing.ts'
import { startVmBed, type VmBed } from '../beds/vm.ts'
import { bedBench } from '../network/bed-bench.ts'

/** An engine on a bed whose machine a is asked by clients of this machine. */
async function asked(bed: VmBed, changes: Partial<FaultEnvironment> = {}) {
  const parts = collectParts()
  const port = await bed.forward(bed.ports.management)
  const credentials = { username: 'nobody', password: new Secret('there is no Streams on a bed') }
  const clients = (dc: 'east' | 'west') => ({
    management: parts.use(
      openManagement({ dc, url: `http://127.0.0.1:${port}/streams`, credentials, instance: 'none' }),
    ),
    data: parts.use(openDataExchange({ dc, url: `http://127.0.0.1:${port}`, credentials })),
  })
  const environment = { capabilities: ['links', 'management'] as const, ...changes }
  const bench = await bedBench(bed, { environment, clients: { east: clients('east'), west: clients('west') } })
  parts.use(bench)
  return { ...bench, [Symbol.asyncDispose]: () => parts[Symbol.asyncDispose]() }
}

describe('a management API on a stock kernel', { timeout: 400_000 }, () => {
  const bed = needsBed('vm', startVmBed)

  it('answers this machine late, and nobody else; tc is left as it was', async () => {
    const { a, b } = bed().hosts
    await using bench = await asked(bed(), { hosts: [{ ...a, managementNetworks: [] }, b] })
    const { management } = bed().ports
    const active = await bench.engine.inject(restSlow('east', { delay: '400ms', port: management }))
    expect(active.evidence['grownMs']).toBeGreaterThanOrEqual(360)
    expect((await bed().exec('a', ['tc', 'qdisc', 'show', 'dev', 'mgmt0'])).stdout).toMatch(
      /netem .* delay 400(\.0)?ms/,
    )
    expect(await roundTripMs(bed(), 'b', bed().addresses.a.ipv4, management)).toBeLessThan(150)
    await active.heal()
    expect(await bench.left()).toEqual([])
    expect(bench.engine.doubts).toEqual([])
  })

  it('is not said to be slow where it answers from another port', async () => {
    const { a, b } = bed().hosts
    await using bench = await asked(bed(), { hosts: [{ ...a, managementNetworks: [] }, b] })
    const attempt = bench.engine.inject(restSlow('east', { delay: '400ms', port: bed().ports.data }))
    await expect(attempt).rejects.toThrow(/should take about 400ms longer/)
    expect(await bench.left()).toEqual([])
  })

  it('is left alone where a management network exempts this machine', async () => {
    await using bench = await asked(bed())
    const attempt = bench.engine.inject(restSlow('east', { delay: '400ms', port: bed().ports.management }))
    await expect(attempt).rejects.toThrow(/lies in a management network of east-a .* which no fault touches/)
    expect(await bench.left()).toEqual([])
  })
})
