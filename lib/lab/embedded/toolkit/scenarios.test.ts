import { describe, expect, it } from 'vitest'
import { seeded } from '../../../core/index.ts'
import { decodeHeartbeatMessage, encodeHeartbeatMessage, heartbeatMessage } from '../../../toolkit/wire.ts'
import { HEARTBEAT_PATH } from './cross-data-center-failover.ts'
import { peerOf, SAMPLE, VirtualPair } from './virtual-pair.ts'

// Section numbers and rows are those of the toolkit reference. Times are seconds.
const P = 30
const M = 4
const INIT = 40
const PHASES = 2000

/** Both data centres up and in contact, with some state, at a given phase of east's ticks against west's. */
function running(phase = 7, options: ConstructorParameters<typeof VirtualPair>[0] = {}): VirtualPair {
  const pair = new VirtualPair(options)
  pair.sites.east.start()
  pair.run(phase)
  pair.sites.west.start()
  pair.sites.east.work('e', 10)
  pair.sites.west.work('w', 20)
  pair.run(300)
  return pair
}

/** Runs the body for many phases of the ticks and of the fault, from one seed. */
function manyPhases(body: (phase: number, moment: number, which: number) => void): void {
  const random = seeded(20_190_401)
  for (let i = 0; i < PHASES; i++) body(random.next() * P, random.next() * P, i)
}

describe('timing (§8)', () => {
  it('first heartbeats come after the initial delay', () => {
    const pair = running()
    expect(pair.of('east', 'heartbeat-out')[0]?.at).toBe(INIT)
    expect(pair.of('west', 'heartbeat-out')[0]?.at).toBe(7 + INIT)
  })

  it('a crash is declared (M−1)·P to (M+1)·P later, and M·P to (M+1)·P after the last heartbeat', () => {
    let sum = 0
    const seen = { min: Infinity, max: 0 }
    manyPhases((phase, moment) => {
      const pair = running(phase)
      pair.run(moment)
      const crash = pair.time.now() / 1000
      pair.sites.west.crash()
      pair.run(200)
      const down = pair.of('east', 'peer-view').find(({ view }) => view === 'down')?.at ?? NaN
      const last = pair.of('east', 'heartbeat-in').at(-1)?.at ?? NaN
      expect(down - crash).toBeGreaterThan((M - 1) * P)
      expect(down - crash).toBeLessThan((M + 1) * P)
      expect(down - last).toBeGreaterThan(M * P - 1e-9)
      expect(down - last).toBeLessThanOrEqual((M + 1) * P)
      sum += down - crash
      seen.min = Math.min(seen.min, down - crash)
      seen.max = Math.max(seen.max, down - crash)
    })
    expect(sum / PHASES).toBeCloseTo(M * P, -1)
    expect(seen.min).toBeLessThan((M - 1) * P + 5)
    expect(seen.max).toBeGreaterThan((M + 1) * P - 5)
  })

  it('a data centre that comes back is seen after its initial delay, and sees its peer a period later at most', () => {
    manyPhases((phase, moment) => {
      const pair = running(phase)
      pair.sites.west.crash()
      pair.run(200 + moment)
      const start = pair.time.now()
      pair.sites.west.start()
      pair.run(INIT + 2 * P)
      const seen = pair.of('east', 'peer-view', start)[0]
      const sees = pair.of('west', 'peer-view', start)[0]
      expect(seen).toMatchObject({ view: 'up', at: expect.closeTo(start / 1000 + INIT, 6) })
      expect(sees?.view).toBe('up')
      expect(sees?.at).toBeGreaterThanOrEqual(seen?.at ?? NaN)
      expect(sees?.at).toBeLessThanOrEqual((seen?.at ?? NaN) + P)
    })
  })

  it('an outage below (M−1)·P is never seen, one above (M+1)·P always', () => {
    manyPhases((phase, moment, which) => {
      const pair = running(phase)
      pair.run(moment)
      const short = which % 2 === 0
      const before = pair.views('east').length
      pair.cut('west')
      pair.run(short ? (M - 1) * P - 0.001 : (M + 1) * P + 0.001)
      pair.cut('west', false)
      expect(pair.views('east').length > before).toBe(!short)
    })
  })

  it('snapshots come at the 6th tick and then at every 5th, not 6th, for a snapshot counts as a heartbeat', () => {
    const pair = running(0)
    pair.run(600)
    expect(pair.of('east', 'signal').map(({ at, cnt }) => [at, cnt])).toEqual([
      [190, 6],
      [340, 12],
      [490, 18],
      [640, 24],
      [790, 30],
    ])
  })

  it('a heartbeat interval below a second makes a snapshot at every tick, a snapshot interval below one is fatal', () => {
    const quick = running(0, { both: { heartbeatExchangeInterval: '0.5' } })
    const ticks = quick.sites.east.count('HeartbeatSignalGenerator', 'out', 0)
    expect(quick.sites.east.count('HeartbeatMessagePreparer', 'out', 2)).toBeGreaterThan(ticks - 3)
    expect(() => running(0, { both: { dataSnapshotExchangeInterval: '0.5' } })).toThrow(/zero/)
  })

  it('255 allowed misses are one too many for a uint8: DOWN never comes', () => {
    const pair = running(7, { both: { consecutiveHeartbeatMissesAllowed: '255' } })
    pair.sites.west.crash()
    pair.run(P * 1000)
    expect(pair.views('east')).toEqual(['up'])
  })
})

describe('scenarios (§11)', () => {
  it('S1 start, 7 s apart: each emits UP when the first heartbeat of the other arrives', () => {
    const pair = running(7)
    expect(pair.of('east', 'peer-view').map(({ at, view }) => [at, view])).toEqual([[7 + INIT, 'up']])
    expect(pair.of('west', 'peer-view').map(({ at, view }) => [at, view])).toEqual([[INIT, 'up']])
  })

  it('S2 crash: DOWN, every stored snapshot is handed over and deleted, heartbeats stop', () => {
    const pair = running()
    expect([...pair.sites.east.store.files.keys()]).toEqual(['west-0'])
    pair.sites.west.crash()
    pair.run(200)
    expect(pair.views('east')).toEqual(['up', 'down'])
    expect(pair.of('east', 'piece')).toMatchObject([{ type: 2, origin: 'west', counts: { w: 20 } }])
    expect(pair.sites.east.store.files.size).toBe(0)
    const sent = pair.of('east', 'heartbeat-out').length
    pair.run(1000)
    expect(pair.of('east', 'heartbeat-out')).toHaveLength(sent)
    expect(pair.sites.east.count('RemoteDataCenterHeartbeatWatchdog', 'out', 0)).toBe(2)
    expect(pair.sites.east.count('RemoteDCDataMerger', 'out', 0)).toBe(1)
  })

  it('S3 return: both see each other, no failback of state, snapshots go on both ways', () => {
    const pair = running()
    pair.sites.west.crash()
    pair.run(200)
    const start = pair.time.now()
    pair.sites.west.start()
    pair.run(INIT + P)
    expect(pair.views('east')).toEqual(['up', 'down', 'up'])
    expect(pair.views('west', start)).toEqual(['up'])
    expect(pair.sites.east.state.get('w')?.count).toBe(20)
    expect(pair.sites.west.state.size).toBe(0)
    pair.run(400)
    expect(pair.of('east', 'snapshot-stored', start).length).toBeGreaterThan(0)
    expect(pair.of('west', 'snapshot-stored', start).length).toBeGreaterThan(0)
  })

  it('S4 restart faster than detection: nothing is seen, state is lost, and the copy of the peer’s state too', () => {
    const pair = running()
    pair.sites.west.crash()
    pair.run(10)
    const start = pair.time.now()
    pair.sites.west.start()
    pair.run(INIT + 1)
    expect(pair.views('east')).toEqual(['up'])
    expect(pair.of('west', 'purged', start)).toHaveLength(1)
    expect(pair.sites.west.store.files.size).toBe(0)
    pair.run(2 * P)
    expect(pair.views('west', start)).toEqual(['up'])
    pair.run(300)
    // East's copy of west's 20 is overwritten by west's empty snapshot.
    pair.sites.west.crash()
    pair.run(200)
    expect(pair.of('east', 'piece')).toMatchObject([{ counts: {} }])
  })

  it('S4b a crash of the peer before its next snapshot loses its state as well', () => {
    const pair = running()
    pair.sites.west.crash()
    pair.run(10)
    pair.sites.west.start()
    pair.run(INIT + P)
    const next = pair.of('east', 'signal').length
    pair.sites.east.crash()
    pair.run(200)
    expect(pair.of('east', 'signal')).toHaveLength(next)
    expect(pair.of('west', 'piece')).toEqual([])
    expect(pair.of('west', 'takeover-end')).toMatchObject([{ snapshots: 0 }])
  })

  it('S5 and S6 partition: both take over and fall silent; the healed network changes nothing, ever', () => {
    const pair = running()
    pair.cut('east')
    pair.cut('west')
    pair.run(400)
    expect([pair.views('east'), pair.views('west')]).toEqual([
      ['up', 'down'],
      ['up', 'down'],
    ])
    expect(pair.of('east', 'piece')).toMatchObject([{ counts: { w: 20 } }])
    expect(pair.of('west', 'piece')).toMatchObject([{ counts: { e: 10 } }])
    pair.cut('east', false)
    pair.cut('west', false)
    const healed = pair.time.now()
    pair.run(100_000)
    expect([pair.views('east', healed), pair.views('west', healed)]).toEqual([[], []])
    expect(pair.of('east', 'heartbeat-in', healed)).toEqual([])
    // What a monitor can tell it by: ticks go on, the view is even, nothing is sent.
    const { east } = pair.sites
    expect(east.count('HeartbeatSignalGenerator', 'out', 0)).toBeGreaterThan(3000)
    expect(east.count('RemoteDataCenterHeartbeatWatchdog', 'out', 0)).toBe(2)
  })

  it('S6b heartbeats that still wait behind slow connects get through, and wake the pair', () => {
    const pair = running(7, { both: { httpConnectionTimeout: '100' } })
    pair.cut('east')
    pair.cut('west')
    pair.run(5 * P)
    pair.cut('east', false)
    pair.cut('west', false)
    pair.run(400)
    expect(pair.views('east').at(-1)).toBe('up')
    expect(pair.views('west').at(-1)).toBe('up')
  })

  it('S7 a restart after S6 brings the pair together again', () => {
    manyPhases((phase, moment, which) => {
      if (which % 20 !== 0) return
      const pair = running(phase)
      pair.cut('east')
      pair.cut('west')
      pair.run(400 + moment)
      pair.cut('east', false)
      pair.cut('west', false)
      pair.run(100)
      pair.sites.west.crash()
      const start = pair.time.now()
      pair.sites.west.start()
      pair.run(INIT + P)
      expect([pair.views('east', start), pair.views('west', start)]).toEqual([['up'], ['up']])
    })
  })

  it('S8 one-way loss: the deaf side goes DOWN and silent, then the other; both take over; heal does not help', () => {
    manyPhases((phase, moment, which) => {
      if (which % 4 !== 0) return
      const pair = running(phase)
      pair.run(moment)
      const cut = pair.time.now() / 1000
      pair.cut('east')
      pair.run(500)
      const west = pair.of('west', 'peer-view').find(({ view }) => view === 'down')?.at ?? NaN
      const east = pair.of('east', 'peer-view').find(({ view }) => view === 'down')?.at ?? NaN
      const lastOfWest = pair.of('west', 'heartbeat-out').at(-1)?.at ?? NaN
      expect(west - cut).toBeGreaterThan((M - 1) * P)
      expect(west - cut).toBeLessThan((M + 1) * P)
      expect(east - lastOfWest).toBeGreaterThan(M * P - 1e-9)
      expect(east - lastOfWest).toBeLessThanOrEqual((M + 1) * P)
      expect([pair.of('east', 'piece').length, pair.of('west', 'piece').length]).toEqual([1, 1])
      pair.cut('east', false)
      pair.run(1000)
      expect([pair.views('east'), pair.views('west')]).toEqual([
        ['up', 'down'],
        ['up', 'down'],
      ])
    })
  })

  it('S9 partition shorter than detection: a gap and error traces, nothing else', () => {
    const pair = running()
    pair.cut('east')
    pair.cut('west')
    pair.run(80)
    pair.cut('east', false)
    pair.cut('west', false)
    pair.run(300)
    expect([pair.views('east'), pair.views('west')]).toEqual([['up'], ['up']])
    expect(pair.sites.east.traces.some((line) => /^error HttpBlobSender Exception/.test(line))).toBe(true)
    expect(pair.sites.east.count('CrossDataCenterSender1', 'out', 0), 'exceptions emit no tuple').toBe(0)
  })

  it('S10 orderly shutdown, then cancel: snapshots go at once, DOWN comes later, nothing is handed over', () => {
    const pair = running()
    pair.sites.west.composite?.specialMessage('OrderlyShutdown')
    pair.run(1)
    expect(pair.sites.east.store.files.size).toBe(0)
    expect(pair.views('east')).toEqual(['up'])
    pair.sites.west.crash()
    pair.run(200)
    expect(pair.views('east')).toEqual(['up', 'down'])
    expect(pair.of('east', 'piece')).toEqual([])
    const last = pair.of('east', 'heartbeat-in').at(-1)?.at ?? NaN
    const down = pair.of('east', 'peer-view').at(-1)?.at ?? NaN
    expect(down - last).toBeGreaterThan(M * P - 1e-9)
    expect(down - last).toBeLessThanOrEqual((M + 1) * P)
  })

  it('S10b a snapshot that arrives after the shutdown message is kept, and taken over', () => {
    const pair = running()
    pair.sites.west.composite?.specialMessage('OrderlyShutdown')
    pair.run(1)
    pair.sites.west.composite?.serializedDataSnapshotMessage(
      encodeHeartbeatMessage(
        heartbeatMessage({ heartbeatMsgType: 2, dataCenterOrigin: 'west', dataSnapshot: Uint8Array.of(0, 0, 0, 0) }),
      ),
    )
    pair.run(200)
    expect(pair.of('east', 'piece')).toHaveLength(1)
  })

  it('S11 orderly shutdown without cancel: deaf and mute until the restart', () => {
    const pair = running()
    pair.sites.west.composite?.specialMessage('OrderlyShutdown')
    const from = pair.time.now()
    pair.run(5000)
    expect(pair.of('west', 'heartbeat-out', from)).toEqual([])
    expect(pair.views('west', from), 'not even DOWN').toEqual([])
    expect(pair.views('east')).toEqual(['up', 'down'])
    expect(pair.sites.west.count('HeartbeatSignalGenerator', 'out', 0)).toBeGreaterThan(100)
    expect(pair.sites.west.count('HeartbeatMessagePreparer', 'in', 2)).toBe(1)
    expect(pair.sites.west.count('HeartbeatMessagePreparer', 'out', 1)).toBe(1)
    pair.sites.west.crash()
    pair.sites.west.start()
    pair.run(200)
    expect(pair.views('east')).toEqual(['up', 'down', 'up'])
  })

  it('S12 both crash, and give each other’s state back on first contact', () => {
    const pair = running()
    pair.sites.east.crash()
    pair.sites.west.crash()
    const giveBack = { ...SAMPLE, sendDataSnapshotsToOriginDCAtStartup: 'true' }
    for (const dc of ['east', 'west'] as const) {
      const names = { localDataCenterName: dc, remoteDataCenterApplicationMachineNames: `${peerOf(dc)}-host` }
      pair.sites[dc].start({ ...giveBack, ...names })
    }
    pair.run(100)
    expect(pair.of('east', 'piece')).toMatchObject([{ type: 4, origin: 'east', counts: { e: 10 } }])
    expect(pair.of('west', 'piece')).toMatchObject([{ type: 4, origin: 'west', counts: { w: 20 } }])
    expect([pair.sites.east.store.files.size, pair.sites.west.store.files.size]).toEqual([0, 0])
  })

  it('S13 retained snapshots are not taken over by DOWN, only replayed by SendMeDataFromSnapshotFiles', () => {
    const pair = running(7, { east: { retainOlderDataSnapshotsAtStartup: 'true' } })
    pair.sites.east.crash()
    pair.sites.west.crash()
    pair.sites.east.start()
    pair.sites.west.start()
    pair.run(INIT + P)
    expect([...pair.sites.east.store.files.keys()]).toEqual(['west-0'])
    expect(pair.views('east').at(-1)).toBe('up')
    pair.sites.west.crash()
    pair.run(200)
    expect(pair.of('east', 'takeover-end')).toMatchObject([{ snapshots: 0 }])
    expect(pair.of('east', 'piece')).toEqual([])
    pair.sites.east.composite?.specialMessage('sendmedatafromsnapshotfiles')
    expect(pair.of('east', 'piece'), 'the word is case-sensitive').toEqual([])
    pair.sites.east.composite?.specialMessage('SendMeDataFromSnapshotFiles')
    expect(pair.of('east', 'piece')).toMatchObject([{ type: 2, counts: { w: 20 } }])
    expect(pair.sites.east.store.files.size).toBe(0)
  })

  it('S14 active/passive: the passive side emits DOWN only, and keeps the files for the job that is launched', () => {
    const pair = running(7, { west: { crossDCOperationMode: '0' } })
    expect([...pair.sites.west.store.files.keys()]).toEqual(['east-0'])
    expect(pair.of('west', 'signal')).toEqual([])
    pair.sites.east.crash()
    pair.run(200)
    expect(pair.of('west', 'status')).toMatchObject([{ active: true }, { active: false }])
    expect(pair.of('west', 'piece')).toEqual([])
    expect(pair.sites.west.store.files.size).toBe(1)
    pair.sites.west.crash()
    const active = { ...SAMPLE, localDataCenterName: 'west', remoteDataCenterApplicationMachineNames: 'east-host' }
    pair.sites.west.start({ ...active, retainOlderDataSnapshotsAtStartup: 'true' })
    pair.run(INIT + 1)
    pair.sites.west.composite?.specialMessage('SendMeDataFromSnapshotFiles')
    expect(pair.of('west', 'piece')).toMatchObject([{ counts: { e: 10 } }])
  })

  it('S14b without the option the launched job purges what the passive one had kept', () => {
    const pair = running(7, { west: { crossDCOperationMode: '0' } })
    pair.sites.east.crash()
    pair.sites.west.crash()
    pair.sites.west.start({ ...SAMPLE, localDataCenterName: 'west' })
    pair.run(INIT + 1)
    expect(pair.sites.west.store.files.size).toBe(0)
  })

  it('S15 the watchdog alone restarts while the peer lives: one more UP', () => {
    const pair = running()
    pair.sites.east.composite?.replaceHeartbeatWatchdog()
    pair.run(P)
    expect(pair.views('east')).toEqual(['up', 'up'])
  })

  it('S16 the watchdog alone restarts when the peer is dead but not yet declared: failover is missed', () => {
    const pair = running()
    pair.sites.west.crash()
    pair.run(60)
    pair.sites.east.composite?.replaceHeartbeatWatchdog()
    const from = pair.time.now()
    pair.run(5000)
    expect(pair.views('east')).toEqual(['up'])
    expect(pair.of('east', 'heartbeat-out', from).length, 'the preparer still believes in the peer').toBeGreaterThan(
      100,
    )
  })

  it('S17 the data watchdog alone restarts: its names are gone, so nothing is handed over', () => {
    const pair = running()
    pair.sites.east.composite?.replaceDataWatchdog()
    pair.sites.west.crash()
    pair.run(200)
    expect(pair.views('east')).toEqual(['up', 'down'])
    expect(pair.of('east', 'takeover-end')).toMatchObject([{ snapshots: 0 }])
    expect(pair.sites.east.store.files.size, 'the file is still there').toBe(1)
  })

  it('S18 configuration file missing: no heartbeat, no error', () => {
    const pair = new VirtualPair()
    pair.sites.east.start({})
    pair.sites.west.start({})
    pair.run(10_000_000)
    // Even with an interval of 14 years the beacon ticks once after its initial delay.
    expect(pair.sites.east.count('HeartbeatSignalGenerator', 'out', 0)).toBe(1)
    expect([...pair.views('east'), ...pair.views('west')]).toEqual([])
  })

  it('S19 slow snapshots do not delay heartbeats, which have a port and a queue of their own', () => {
    const pair = running()
    pair.links.west.data.delayMs = 10_000_000
    pair.links.east.data.delayMs = 10_000_000
    pair.run(3000)
    expect(pair.views('east')).toEqual(['up'])
    const gaps = pair.of('east', 'heartbeat-in').map(({ at }, i, all) => at - (all[i - 1]?.at ?? at))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(P)
    expect(pair.sites.west.counters.input('CrossDCFailover.CrossDataCenterSender2[0]', 0).queued).toBeGreaterThan(5)
  })
})

describe('roles of the parts', () => {
  it('a forged POST to the heartbeat port keeps a dead peer UP, whatever it says', () => {
    const pair = running()
    pair.sites.west.crash()
    for (let i = 0; i < 20; i++) {
      pair.sites.east.receive(25_091, HEARTBEAT_PATH, Uint8Array.of(1, 2, 3))
      pair.run(P)
    }
    expect(pair.views('east')).toEqual(['up'])
  })

  it('an empty snapshot says that there is no state any more', () => {
    const pair = running()
    const empty = heartbeatMessage({ heartbeatMsgType: 2, dataCenterOrigin: 'west', dataSnapshotOrigin: '0' })
    pair.sites.west.composite?.serializedDataSnapshotMessage(encodeHeartbeatMessage(empty))
    pair.run(1)
    expect(pair.sites.east.store.files.size).toBe(0)
    pair.sites.west.crash()
    pair.run(200)
    expect(pair.of('east', 'takeover-end')).toMatchObject([{ snapshots: 0 }])
  })

  it('a snapshot is stored as the whole message that came, and failing storage is not remembered', () => {
    const pair = running()
    const stored = pair.sites.east.store.files.get('west-0') ?? new Uint8Array()
    expect(decodeHeartbeatMessage(stored)).toMatchObject({ heartbeatMsgType: 2, dataCenterOrigin: 'west' })
    pair.sites.east.store.write = () => {
      throw new Error('28')
    }
    pair.run(200)
    expect(pair.sites.east.store.files.size).toBe(0)
    expect(pair.sites.east.traces.join('\n')).toContain('_XXXXX_ Unable to replicate and persist the data snapshot')
    pair.sites.west.crash()
    pair.run(200)
    expect(pair.of('east', 'takeover-end')).toMatchObject([{ snapshots: 0 }])
  })

  it('several pairs take turns, on ports of their own', () => {
    const pair = running(7, { pairs: 2 })
    pair.run(600)
    const received = [0, 1].map((channel) => pair.sites.east.count(`CrossDataCenterReceiver[${channel}]`, 'out', 0))
    expect(received[0]).toBeGreaterThan(1)
    expect(Math.abs((received[0] ?? 0) - (received[1] ?? 0))).toBeLessThanOrEqual(1)
  })

  it('planted defects do what they say', () => {
    const mute = running(7, { defects: { mute: true } })
    mute.sites.west.crash()
    mute.run(200)
    expect([mute.views('east').at(-1), mute.of('east', 'status').length, mute.of('east', 'piece').length]).toEqual([
      'down',
      1,
      0,
    ])
    const forgetful = running(7, { defects: { forgetsNames: true } })
    forgetful.sites.west.crash()
    forgetful.run(200)
    expect(forgetful.of('east', 'takeover-end')).toMatchObject([{ snapshots: 0 }])
    const late = running(7, { defects: { takeoverDelayMs: 60_000 } })
    late.sites.west.crash()
    late.run(300)
    const down = late.of('east', 'peer-view').at(-1)?.at ?? NaN
    expect(late.of('east', 'takeover-begin')[0]?.at).toBe(down + 60)
    const deaf = running(7, { defects: { deafAfterDown: true } })
    deaf.sites.west.crash()
    deaf.run(200)
    deaf.sites.west.start()
    deaf.run(300)
    expect(deaf.views('east')).toEqual(['up', 'down'])
  })
})
