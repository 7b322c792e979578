import { describe, expect, it } from 'vitest'
import { ScenarioBench } from './scenario-bench.ts'
import type { DcName } from './protocol.ts'

// The rows of toolkit reference §11, in real labs: real processes, real HTTP, links that are really cut. The same rows in virtual
// time, with thousands of phases, are in toolkit/scenarios.test.ts.

const DCS: readonly DcName[] = ['east', 'west']
const WATCHDOG = 'CrossDCFailover.RemoteDataCenterHeartbeatWatchdog'
const MERGER = 'CrossDCFailover.RemoteDCDataMerger'
const PREPARER = 'CrossDCFailover.HeartbeatMessagePreparer'
/** What a busy machine may add to an instant, in milliseconds. */
const LATE = 400

describe('active/active', { timeout: 60_000 }, () => {
  it('S1 first contact, S2 crash and takeover, S3 return without failback', async () => {
    await using bench = await ScenarioBench.open()
    // S1
    await bench.replicating()
    for (const dc of DCS) {
      const peer = dc === 'east' ? 'west' : 'east'
      const first = (await bench.events(peer, 'heartbeat-out'))[0]?.at ?? NaN
      const up = await bench.view(dc, 'up')
      expect(up.at).toBeGreaterThan(first)
      expect(up.at - first).toBeLessThan(LATE)
      expect(await bench.counter(dc, WATCHDOG, 'out')).toBe(1)
    }
    // S2
    expect((await bench.work('west', 'w', 20)).status).toBe(200)
    expect((await bench.work('east', 'w', 1)).status).toBe(200)
    await bench.replicated('west', 'east', 1)
    const off = await bench.crash('west')
    const down = await bench.view('east', 'down', off.earliest)
    expect(down.at - off.earliest).toBeGreaterThan(200)
    expect(down.at - off.latest).toBeLessThan(600 + LATE)
    expect(await bench.event('east', 'takeover-end')).toMatchObject({ snapshots: 1 })
    expect(await bench.event('east', 'adopted')).toMatchObject({ keys: 1, items: 20 })
    const owns = await bench.event('east', 'owns', ({ home }) => Array.isArray(home) && home.length === 2)
    expect(owns.at).toBeGreaterThan(down.at)
    expect(await bench.snapshots('east')).toEqual([])
    await bench.ticks('east', 3)
    expect(await bench.events('east', 'heartbeat-out', down.at + 1)).toEqual([])
    expect([await bench.counter('east', WATCHDOG, 'out'), await bench.counter('east', MERGER, 'out')]).toEqual([2, 1])
    // S3
    const boot = await bench.boot('west')
    await bench.replicating(boot)
    expect(await bench.views('east')).toEqual(['up', 'down', 'up'])
    expect(await bench.views('west', boot)).toEqual(['up'])
    expect(await bench.events('west', 'adopted', boot)).toEqual([])
    const snapshot = await bench.event('east', 'snapshot-taken', undefined, boot)
    expect(snapshot.keys, 'east keeps what it adopted').toBe(1)
    expect(await bench.event('west', 'snapshot-taken', undefined, boot)).toMatchObject({ keys: 0 })
  })

  it('S4 a restart faster than detection loses state in silence; S16, S17 a watchdog restarts at a bad time', async () => {
    // Detection after 3.9 to 4.1 s: enough for a boot, or for a relaunch.
    const toolkit = { consecutiveHeartbeatMissesAllowed: '40' }
    await using bench = await ScenarioBench.open({ timeScale: 0.1, toolkit })
    await bench.replicating()
    await bench.work('west', 'w', 20)
    await bench.replicated('west', 'east', 1)
    // S4
    await bench.crash('west')
    const boot = await bench.boot('west')
    expect(await bench.event('west', 'purged', undefined, boot)).toBeDefined()
    await bench.view('west', 'up', boot)
    await bench.replicated('west', 'east', 0)
    expect(await bench.views('east'), 'nothing was noticed').toEqual(['up'])
    expect(await bench.events('east', 'takeover-begin')).toEqual([])
    // S16: the peer is dead but not yet declared, and the watchdog begins anew
    const off = await bench.crash('west')
    const killed = await bench.killPe('east', 'cross-dc')
    await bench.event('east', 'heartbeat-out', undefined, killed)
    await bench.ticks('east', 42)
    expect(await bench.views('east', off.earliest), 'failover missed').toEqual([])
    // S17: up again by a heartbeat, but without the names of what is stored
    const stop = new AbortController()
    const forging = bench.forgeHeartbeats('east', 'west', 50, stop.signal)
    await bench.view('east', 'up', killed)
    stop.abort()
    await forging
    await bench.view('east', 'down', killed)
    expect(await bench.event('east', 'takeover-end', undefined, killed)).toMatchObject({ snapshots: 0 })
    expect(await bench.events('east', 'adopted')).toEqual([])
  })

  it('S15, S19, S9, S5, S6, S7, S8: everything that a network can do to a pair', async () => {
    // Detection after 1.8 to 2.2 s. Short timeouts, so that no stale heartbeat waits behind a cut.
    const toolkit = { consecutiveHeartbeatMissesAllowed: '10', httpConnectionTimeout: '1', httpReadTimeout: '1' }
    await using bench = await ScenarioBench.open({ toolkit })
    await bench.replicating()
    await bench.work('east', 'e', 10)
    await bench.work('west', 'w', 20)
    await Promise.all([bench.replicated('east', 'west', 1), bench.replicated('west', 'east', 1)])
    // S15
    const killed = await bench.killPe('east', 'cross-dc')
    await bench.view('east', 'up', killed)
    expect(await bench.views('east')).toEqual(['up', 'up'])
    await bench.replicating()
    await bench.event('east', 'snapshot-stored', undefined, killed)
    // S19
    for (const dc of DCS) await bench.delay(dc, dc === 'east' ? 'west' : 'east', 'snapshot', 5000)
    await bench.ticks('east', 13)
    expect([await bench.views('east'), await bench.views('west')]).toEqual([['up', 'up'], ['up']])
    await bench.heal('slow-east', 'slow-west')
    // S9
    await Promise.all([bench.cut('east', 'west'), bench.cut('west', 'east')])
    await bench.ticks('east', 2)
    const shortly = await bench.heal('east-west', 'west-east')
    await Promise.all(DCS.map((dc) => bench.event(dc, 'heartbeat-in', undefined, shortly)))
    expect([await bench.views('east'), await bench.views('west')]).toEqual([['up', 'up'], ['up']])
    await Promise.all([bench.replicated('east', 'west', 1), bench.replicated('west', 'east', 1)])
    // S5
    const cut = Math.max(...(await Promise.all([bench.cut('east', 'west'), bench.cut('west', 'east')])))
    await Promise.all(DCS.map((dc) => bench.view(dc, 'down', cut)))
    for (const dc of DCS) {
      expect(await bench.event(dc, 'takeover-end', undefined, cut)).toMatchObject({ snapshots: 1 })
      await bench.event(dc, 'owns', ({ home }) => Array.isArray(home) && home.length === 2, cut)
      expect(await bench.jobHealth(dc), 'a split brain looks healthy').toBe('healthy')
    }
    // S6
    await bench.until('both senders to be done with what they had', async () => {
      const left = DCS.map(async (dc) => {
        const submitted = await bench.counter(dc, PREPARER, 'out')
        return submitted - (await bench.counter(dc, 'CrossDCFailover.CrossDataCenterSender1', 'in'))
      })
      return (await Promise.all(left)).every((count) => count === 0)
    })
    // What a starved relay may still have in its buffers gets the time to vanish.
    await bench.ticks('east', 3)
    const healed = await bench.heal('east-west', 'west-east')
    const sent = await bench.counter('east', PREPARER, 'out')
    await bench.ticks('east', 13)
    expect([await bench.views('east', healed), await bench.views('west', healed)]).toEqual([[], []])
    expect(await bench.counter('east', PREPARER, 'out')).toBe(sent)
    expect(await bench.counter('west', WATCHDOG, 'out')).toBe(2)
    // S7
    const restarted = await bench.killPe('west', 'cross-dc')
    await bench.replicating(restarted)
    expect([await bench.views('east', restarted), await bench.views('west', restarted)]).toEqual([['up'], ['up']])
    // S8
    const oneWay = await bench.cut('east', 'west')
    const deaf = await bench.view('west', 'down', oneWay)
    const other = await bench.view('east', 'down', oneWay)
    const last = (await bench.events('east', 'heartbeat-in', oneWay)).at(-1)?.at ?? NaN
    expect(deaf.at - oneWay).toBeLessThan(2200 + LATE)
    expect(other.at - last).toBeGreaterThan(2000 - 50)
    expect(other.at - last).toBeLessThan(2200 + LATE)
    for (const dc of DCS)
      expect(await bench.event(dc, 'takeover-end', undefined, oneWay)).toMatchObject({ snapshots: 1 })
    const again = await bench.heal('east-west')
    await bench.ticks('east', 12)
    expect([await bench.views('east', again), await bench.views('west', again)]).toEqual([[], []])
  })

  it('S11 orderly shutdown without cancel, S10 with it', async () => {
    await using bench = await ScenarioBench.open()
    await bench.replicating()
    await bench.work('west', 'w', 20)
    await bench.replicated('west', 'east', 1)
    // S11
    expect((await bench.special('west', 'OrderlyShutdown')).status).toBe(200)
    const quiesced = await bench.event('west', 'quiesced')
    const down = await bench.view('east', 'down', quiesced.at)
    expect(await bench.event('east', 'takeover-end', undefined, quiesced.at)).toMatchObject({ snapshots: 0 })
    expect(await bench.snapshots('east')).toEqual([])
    await bench.ticks('west', 5)
    expect(await bench.events('west', 'heartbeat-out', quiesced.at)).toEqual([])
    expect(await bench.views('west', quiesced.at)).toEqual([])
    expect(await bench.counter('west', PREPARER, 'in', 2)).toBe(1)
    expect(await bench.jobHealth('west')).toBe('healthy')
    const last = (await bench.events('east', 'heartbeat-in')).at(-1)?.at ?? NaN
    expect(down.at - last).toBeGreaterThan(400 - 50)
    expect(down.at - last).toBeLessThan(600 + LATE)
    // S10
    const restarted = await bench.killPe('west', 'cross-dc')
    await bench.replicating(restarted)
    // Between two snapshots: one that arrives after the message would be kept and taken over.
    await bench.replicated('west', 'east', 1)
    await bench.special('west', 'OrderlyShutdown')
    const again = await bench.event('west', 'quiesced', undefined, restarted)
    await bench.cancelJob('west')
    await bench.view('east', 'down', again.at)
    expect(await bench.event('east', 'takeover-end', undefined, again.at)).toMatchObject({ snapshots: 0 })
    expect(await bench.events('east', 'adopted')).toEqual([])
  })

  it('S12 both crash, and give each other’s state back', async () => {
    await using bench = await ScenarioBench.open({ toolkit: { sendDataSnapshotsToOriginDCAtStartup: 'true' } })
    await bench.replicating()
    await bench.work('east', 'e', 10)
    await bench.work('west', 'w', 20)
    await Promise.all([bench.replicated('east', 'west', 1), bench.replicated('west', 'east', 1)])
    await Promise.all(DCS.map((dc) => bench.crash(dc)))
    const boot = Math.min(...(await Promise.all(DCS.map((dc) => bench.boot(dc)))))
    expect(await bench.event('east', 'adopted', undefined, boot)).toMatchObject({ keys: 1, items: 10, type: 4 })
    expect(await bench.event('west', 'adopted', undefined, boot)).toMatchObject({ keys: 1, items: 20, type: 4 })
    expect(await bench.events('east', 'purged')).toEqual([])
  })

  it('S13 retained snapshots wait for SendMeDataFromSnapshotFiles', async () => {
    await using bench = await ScenarioBench.open({ toolkitOf: { east: { retainOlderDataSnapshotsAtStartup: 'true' } } })
    await bench.replicating()
    await bench.work('west', 'w', 20)
    await bench.replicated('west', 'east', 1)
    // East first: it must not have the time to declare west down.
    await bench.crash('east')
    await bench.crash('west')
    const boot = await bench.boot('east')
    const stop = new AbortController()
    await bench.event('east', 'heartbeat-out', undefined, boot)
    const forging = bench.forgeHeartbeats('east', 'west', 50, stop.signal)
    await bench.view('east', 'up', boot)
    stop.abort()
    await forging
    await bench.view('east', 'down', boot)
    expect(await bench.event('east', 'takeover-end', undefined, boot)).toMatchObject({ snapshots: 0 })
    expect(await bench.snapshots('east')).toEqual(['west-0.snapshot'])
    await bench.special('east', 'SendMeDataFromSnapshotFiles')
    expect(await bench.event('east', 'adopted', undefined, boot)).toMatchObject({ keys: 1, items: 20, type: 2 })
    expect(await bench.snapshots('east')).toEqual([])
  })

  it('S18 a configuration file that is not there: no heartbeat and no complaint', async () => {
    await using bench = await ScenarioBench.open({ parameters: { configFileName: '/nowhere/crossdc.txt' } })
    await bench.until('both jobs to be healthy', async () => {
      const healths = await Promise.all(DCS.map((dc) => bench.jobHealth(dc)))
      return healths.every((health) => health === 'healthy')
    })
    for (const dc of DCS) {
      expect(await bench.events(dc, 'heartbeat-out')).toEqual([])
      expect(await bench.counter(dc, WATCHDOG, 'out')).toBe(0)
    }
  })
})

describe('active/passive', { timeout: 60_000 }, () => {
  it('S14 the passive side emits DOWN only, and launches the application, which purges the snapshots', async () => {
    await using bench = await ScenarioBench.open({ mode: 'active-passive' })
    await bench.view('west', 'up')
    await bench.view('east', 'up')
    expect((await bench.work('east', 'w', 10, 'west')).status, 'the active job does all work').toBe(200)
    await bench.replicated('east', 'west', 1)
    const off = await bench.crash('east')
    const down = await bench.view('west', 'down', off.earliest)
    const launch = await bench.event('west', 'launch-app')
    expect(launch.at).toBeGreaterThan(down.at)
    expect(await bench.events('west', 'takeover-begin')).toEqual([])
    expect(await bench.snapshots('west')).toEqual(['east-0.snapshot'])
    await bench.event('west', 'purged', undefined, launch.at)
    expect(await bench.snapshots('west')).toEqual([])
    await bench.until('the launched job to be healthy', async () => (await bench.jobHealth('west')) === 'healthy')
    expect((await bench.work('west', 'e', 1, 'east')).status, 'the launched job does all work').toBe(200)
  })
})
