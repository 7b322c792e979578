/** Resource faults on real hosts: injected, their effect measured, healed, and the host as it was. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../lib/core/index.ts'
import {
  cpuPressure,
  diskFull,
  diskIo,
  fileDescriptors,
  memoryPressure,
  snapshotDirectory,
  type Fault,
} from '../../lib/faults/index.ts'
import type { Bed } from './beds/bed.ts'
import { startContainerBed } from './beds/container.ts'
import { needsBed } from './beds/need.ts'
import { startSshdBed } from './beds/sshd.ts'
import { bedBench, type BedBench } from './network/bed-bench.ts'

const DISK = '/var/tmp/failover-io'

/** What each bed's machine `a` can have done to it, and what of the effect is told. */
const faults: readonly { readonly name: string; readonly make: (host: string) => Fault; readonly evidence: object }[] =
  [
    {
      name: 'a core busy for a third',
      make: (host) => cpuPressure(host, { cores: 1, percent: 30 }),
      evidence: { workers: 1 },
    },
    {
      name: 'memory taken',
      make: (host) => memoryPressure(host, { reserve: '64mb', limit: '48mb' }),
      evidence: { heldBytes: expect.any(Number) },
    },
    {
      name: 'a full disk',
      make: (host) => diskFull(host, { path: '/mnt/snapshots' }),
      evidence: { refused: 'ENOSPC' },
    },
    {
      name: 'a full disk on which its own lease lies',
      make: (host) => diskFull(host, { path: '/mnt/state' }),
      evidence: { refused: 'ENOSPC' },
    },
    {
      name: 'a busy disk',
      make: (host) => diskIo(host, { path: DISK, workers: 1 }),
      evidence: { bytesPerSecond: expect.any(Number) },
    },
    {
      name: 'no file descriptors',
      make: (host) => fileDescriptors(host, { pattern: 'answering-server' }),
      evidence: { spare: 0 },
    },
    {
      name: 'a full directory of snapshots',
      make: (host) => snapshotDirectory(host, { mode: 'full' }),
      evidence: { way: 'fill', refused: 'ENOSPC' },
    },
  ]

/** What is left of processes. Addresses of a machine that has just begun may still settle; faults of processes touch none. */
const leftOf = async (on: BedBench): Promise<readonly string[]> =>
  (await on.left()).filter((line) => /^(stopped|workers): /.test(line))

describe.each([
  { name: 'sshd', need: 'sshd', start: startSshdBed },
  { name: 'container', need: 'docker', start: startContainerBed },
] as const)('resource faults on a host ($name)', ({ need, start }) => {
  const bed = needsBed<Bed>(need, start)

  it.each(faults)('$name: injected, measured, healed, and nothing is left', async ({ make, evidence }) => {
    await using on = await bedBench(bed())
    await bed().exec('a', ['mkdir', '-p', DISK])
    const fault = await on.engine.inject(make(bed().hosts.a.name))
    expect(fault.evidence).toMatchObject(evidence)
    await fault.heal()
    expect([await leftOf(on), on.engine.doubts]).toEqual([[], []])
  })

  it('a directory of snapshots is read-only where we may mount, and refused where we may not', async () => {
    await using on = await bedBench(bed())
    const { name } = bed().hosts.a
    const mounts = async () =>
      (await bed().exec('a', { script: 'grep -c " /mnt/snapshots " /proc/self/mountinfo' })).stdout.trim()
    const before = await mounts()
    const injection = on.engine.inject(snapshotDirectory(name, { mode: 'read-only' }))
    if (need === 'docker') {
      await expect(injection).rejects.toThrow(/we may not mount there, and it belongs to root/)
    } else {
      const fault = await injection
      expect(fault.evidence).toMatchObject({ way: 'bind', refused: 'EROFS' })
      expect(await mounts()).not.toBe(before)
      await fault.heal()
    }
    expect([await mounts(), await leftOf(on), on.engine.doubts]).toEqual([before, [], []])
  })

  it('a directory that belongs to another user is read-only by its rights where we may not mount', async () => {
    await using on = await bedBench(bed())
    await bed().exec('a', { script: 'mkdir -p /mnt/snapshots/own && chown 65534:65534 /mnt/snapshots/own' })
    const fault = await on.engine.inject(
      snapshotDirectory(bed().hosts.a.name, { mode: 'read-only', path: '/mnt/snapshots/own' }),
    )
    expect(fault.evidence).toMatchObject(
      need === 'docker' ? { way: 'chmod', refused: 'EACCES' } : { way: 'bind', refused: 'EROFS' },
    )
    await fault.heal()
    await bed().exec('a', ['rmdir', '/mnt/snapshots/own'])
    expect([await leftOf(on), on.engine.doubts]).toEqual([[], []])
  })

  describe('when the way to the host is lost', () => {
    let on: BedBench
    beforeAll(async () => {
      on = await bedBench(bed(), { ttl: '3s' })
    })
    afterAll(() => on?.[Symbol.asyncDispose]())

    it('the host undoes everything by itself: sshd and all of its sessions are killed', async () => {
      const { name } = bed().hosts.a
      await on.engine.inject(cpuPressure(name, { cores: 1, percent: 20 }))
      await on.engine.inject(memoryPressure(name, { reserve: '64mb', limit: '32mb' }))
      await on.engine.inject(diskFull(name, { path: '/mnt/state' }))
      await bed().killSshd('a')
      const probe = async () => {
        const left = await leftOf(on)
        const { stdout } = await bed().exec('a', { script: 'stat -f -c %a /mnt/state' })
        return left.length === 0 && Number(stdout) > 1000
          ? ({ done: true, value: true } as const)
          : ({ done: false, seen: `${left.join('; ')}, ${stdout.trim()} blocks free` } as const)
      }
      try {
        await eventually(probe, { within: '20s', every: '200ms', describe: 'the host to be as it was' })
      } finally {
        await bed().startSshd('a')
      }
      await eventually(
        async () =>
          on.engine.doubts.length >= 3
            ? ({ done: true, value: true } as const)
            : ({ done: false, seen: on.engine.doubts.join('; ') } as const),
        { within: '30s', every: '100ms', describe: 'the runner to know that it lost the leases' },
      )
      await on.engine.healAll('the test is over')
    })
  })
})
