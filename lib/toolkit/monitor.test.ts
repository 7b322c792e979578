import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it as base } from 'vitest'
import { now } from '../core/index.ts'
import type { HistoryEventInput } from '../history/index.ts'
import type { FailoverMonitor } from './monitor-api.ts'
import { openMonitor, type MonitorOptions } from './monitor.ts'
import { receiverProbe } from './probes.ts'
import { counters, scriptedSite, type Script, type ScriptedSite } from './site-script.test-harness.ts'
import type { DcState } from './view.ts'

interface Scene {
  readonly east: ScriptedSite
  readonly west: ScriptedSite
  readonly monitor: FailoverMonitor
  readonly events: HistoryEventInput[]
}

const UP = { status: 1, ticks: 5, sent: 5, heard: 5, handled: 1 }
const within = '5s'

const it = base
  .extend('options', {} as Partial<MonitorOptions>)
  .extend('scene', async ({ options }, { onCleanup }): Promise<Scene> => {
    const east = await scriptedSite('east')
    const west = await scriptedSite('west')
    const events: HistoryEventInput[] = []
    const monitor = openMonitor({
      dcs: { east: { management: east.management, job: 'app' }, west: { management: west.management, job: 'app' } },
      every: '10ms',
      patience: '200ms',
      requestWithin: '100ms',
      staleAfter: '200ms',
      probeEvery: '20ms',
      recorder: { event: (event) => void events.push(event) },
      ...options,
    })
    onCleanup(async () => {
      await monitor[Symbol.asyncDispose]()
      await east[Symbol.asyncDispose]()
      await west[Symbol.asyncDispose]()
    })
    return { east, west, monitor, events }
  })

function count(
  site: ScriptedSite,
  changes: Parameters<typeof counters>[0],
  more: Partial<Script['pes'][number]> = {},
): void {
  site.script.pes = [{ id: '1', status: 'running', launchCount: 1, counters: counters(changes), ...more }]
}

async function normal({ east, west, monitor }: Scene): Promise<void> {
  count(east, UP)
  count(west, UP)
  await monitor.waitFor(({ pair }) => pair().state === 'normal', { within, describe: 'normality' })
}

/** Waits until one more collection has been seen. */
async function seen({ monitor }: Scene, dc: string, predicate: (state: DcState) => boolean): Promise<DcState> {
  await monitor.waitFor(({ state }) => predicate(state(dc)), { within, describe: `something at ${dc}` })
  return monitor.state(dc)
}

it('reads the views of both and records each change with its bounds and evidence', async ({ scene }) => {
  const { west, monitor, events } = scene
  await normal(scene)
  const before = now()
  count(west, { ...UP, status: 2, ticks: 9, handled: 2 })
  const state = await seen(scene, 'west', ({ peerView }) => peerView === 'down')
  expect(state.at.earliest).toBeLessThanOrEqual(before)
  expect(state.at.latest).toBeGreaterThanOrEqual(before)
  expect(state).toMatchObject({ failovers: 1, initial: false, evidence: { kind: 'toolkit-metrics' } })
  expect(monitor.pair()).toMatchObject({ state: 'one-way-loss', subject: 'west' })
  const views = events.filter((event) => event.type === 'observation').filter((event) => event.subject === 'peer-view')
  expect(
    views
      .filter(({ dc }) => dc === 'west')
      .map(({ value }) => value)
      .slice(-2),
  ).toEqual(['up', 'down'])
  expect(events.findLast((event) => event.type === 'pair')).toMatchObject({ state: 'one-way-loss' })
})

it('does not date the normal state back to before either side saw the other up', async ({ scene }) => {
  const { east, west, monitor } = scene
  await normal(scene)
  count(west, { ...UP, status: 2, handled: 2 })
  await seen(scene, 'west', ({ peerView }) => peerView === 'down')
  count(east, {}, { status: 'starting', counters: {} })
  await seen(scene, 'east', ({ toolkit }) => toolkit === 'restarting')
  const before = now()
  count(west, { ...UP, status: 3, handled: 3 })
  await seen(scene, 'west', ({ peerView }) => peerView === 'up')
  // The first look at the new life of east finds all of it at once: by itself that may be as old as the last counters.
  count(east, UP, { launchCount: 2 })
  await monitor.waitFor(({ pair }) => pair().state === 'normal', { within, describe: 'normality' })
  const since = monitor.pair().at
  expect(monitor.state('east').at.earliest).toBeLessThan(before)
  expect(since.earliest).toBe(monitor.state('west').at.earliest)
  expect(since.latest).toBeGreaterThanOrEqual(since.earliest)
})

it('counts the steps that lie between two looks', async ({ scene }) => {
  await normal(scene)
  count(scene.west, { ...UP, status: 5 })
  const state = await seen(scene, 'west', ({ failovers }) => failovers === 2)
  expect(state.peerView).toBe('up')
  expect(state.declarations).toHaveLength(2)
})

describe('a takeover', () => {
  it('is complete when the status was handled and all pieces were handed on', async ({ scene }) => {
    await normal(scene)
    count(scene.west, { ...UP, snapshots: 3 })
    await seen(scene, 'west', ({ snapshotsReceived }) => snapshotsReceived === 3)
    const since = now()
    const waiting = scene.monitor.completedTakeover({ survivor: 'west', since, within })
    count(scene.west, { ...UP, status: 2, snapshots: 3, handled: 2, read: 2, pieces: 1 })
    await seen(scene, 'west', ({ takeoverPieces }) => takeoverPieces === 1)
    const last = now()
    count(scene.west, { ...UP, status: 2, snapshots: 3, handled: 2, read: 2, pieces: 2 })
    const takeover = await waiting
    expect(takeover).toMatchObject({ survivor: 'west', pieces: 2, evidence: { kind: 'toolkit-metrics' } })
    expect(takeover.evidence.degraded).toBeUndefined()
    expect(takeover.takeover.earliest).toBeLessThanOrEqual(last)
    expect(takeover.takeover.latest).toBeGreaterThanOrEqual(last)
    expect(takeover.detection.latest).toBeLessThanOrEqual(takeover.takeover.latest)
  })

  it('of nothing says so when something should have been there', async ({ scene }) => {
    await normal(scene)
    count(scene.west, { ...UP, snapshots: 3 })
    await seen(scene, 'west', ({ snapshotsReceived }) => snapshotsReceived === 3)
    count(scene.west, { ...UP, status: 2, snapshots: 3, handled: 2 })
    const takeover = await scene.monitor.completedTakeover({ survivor: 'west', within })
    expect(takeover).toMatchObject({
      pieces: 0,
      evidence: { degraded: expect.stringContaining('none was handed over') },
    })
  })

  it('is not complete before the takeover operator has heard of it', async ({ scene }) => {
    await normal(scene)
    count(scene.west, { ...UP, status: 2, handled: 1 })
    await seen(scene, 'west', ({ peerView }) => peerView === 'down')
    const waiting = scene.monitor.completedTakeover({ survivor: 'west', within: '200ms' })
    await expect(waiting).rejects.toThrow(/Waited 200ms for west to take its peer over.*\n.*west sees east down/)
  })

  it('that should not be is told as soon as it is seen', async ({ scene }) => {
    await normal(scene)
    const watching = scene.monitor.noTakeoverDuring({ for: '1h' })
    const failed = expect(watching).rejects.toThrow(
      /west declared its peer down .* although nothing should have been noticed/,
    )
    count(scene.west, { ...UP, status: 2 })
    await failed
  })
})

it('watches quiet times to their end, at both data centres', async ({ scene }) => {
  await normal(scene)
  const began = now()
  await scene.monitor.noTakeoverDuring({ for: '100ms' })
  for (const dc of scene.monitor.dcs) {
    expect(scene.monitor.state(dc).coveredUntil).toBeGreaterThanOrEqual(began + 100)
  }
})

describe('a relaunch', () => {
  it('begins a new baseline, whatever shows it', async ({ scene }) => {
    await normal(scene)
    count(scene.west, { status: 0 })
    expect(await seen(scene, 'west', ({ relaunches }) => relaunches === 1)).toMatchObject({ peerView: 'never-seen' })
    expect(scene.monitor.pair()).toMatchObject({ state: 'restarting', subject: 'west' })
    count(scene.west, { status: 1 })
    await seen(scene, 'west', ({ peerView }) => peerView === 'up')
    // The same number in another life: the parity restarted.
    count(scene.west, { status: 1 }, { launchCount: 2 })
    const state = await seen(scene, 'west', ({ relaunches }) => relaunches === 2)
    expect(state).toMatchObject({ peerView: 'up', launchCount: 2, failovers: 0 })
  })

  it('of any PE of the application is told', async ({ scene }) => {
    await normal(scene)
    const [own] = scene.west.script.pes
    const logic = { id: '2', status: 'running', launchCount: 1, counters: {} }
    if (own) scene.west.script.pes = [own, logic]
    await scene.monitor.noTakeoverDuring({ for: '50ms' })
    if (own) scene.west.script.pes = [own, { ...logic, launchCount: 2 }]
    const told = (): boolean =>
      scene.events.some((event) => event.type === 'observation' && event.subject === 'relaunch')
    await scene.monitor.waitFor(told, { within, describe: 'the relaunch' })
    expect(scene.monitor.state('west')).toMatchObject({ relaunches: 0, peerView: 'up' })
  })

  it('is a restart while the PE is not running', async ({ scene }) => {
    await normal(scene)
    scene.west.script.pes = [{ id: '1', status: 'restarting', launchCount: 1, counters: undefined }]
    const state = await seen(scene, 'west', ({ toolkit }) => toolkit === 'restarting')
    expect(state).toMatchObject({ peerView: 'unknown', evidence: { kind: 'job-health' } })
    expect(scene.monitor.pair()).toMatchObject({ state: 'restarting', subject: 'west' })
  })
})

it('says that metrics are stale when their time stands still', async ({ scene }) => {
  await normal(scene)
  scene.west.script.stamp = 5
  const state = await seen(scene, 'west', ({ stale }) => stale)
  expect(state).toMatchObject({
    peerView: 'up',
    evidence: { degraded: expect.stringMatching(/stale: nothing was collected/) },
  })
  scene.west.script.stamp = undefined
  await seen(scene, 'west', ({ stale }) => !stale)
})

describe('without toolkit metrics', () => {
  const down =
    '-->Received a notification about the remote data center going down due to failure or planned maintenance.\n'
  const up = 'Received a notification about the remote data center coming up and running normally.\n'

  it('the trace of the application tells', async ({ scene }) => {
    scene.west.script.pes = [{ id: '1', status: 'running', launchCount: 1, counters: undefined }]
    scene.west.script.trace = up
    expect(await seen(scene, 'west', ({ peerView }) => peerView === 'up')).toMatchObject({
      initial: true,
      evidence: { kind: 'trace' },
    })
    const before = now()
    scene.west.script.trace += down
    const state = await seen(scene, 'west', ({ peerView }) => peerView === 'down')
    expect(state.at.earliest).toBeLessThanOrEqual(before)
    expect(state.at.latest).toBeGreaterThanOrEqual(before)
  })

  it('the states of jobs and PEs are what is left', async ({ scene }) => {
    await normal(scene)
    scene.west.script.job = undefined
    const state = await seen(scene, 'west', ({ application }) => application === 'gone')
    expect(state).toMatchObject({ toolkit: 'gone', peerView: 'unknown', evidence: { kind: 'job-health' } })
    expect(scene.monitor.pair()).toMatchObject({ state: 'peer-crashed', subject: 'west' })
  })
})

describe('a management service that does not answer', () => {
  it('proves nothing by itself, and a crash together with the peer and the data plane', async ({ scene }) => {
    const { east, west, monitor } = scene
    await normal(scene)
    const before = now()
    await west.stop()
    const state = await seen(scene, 'west', ({ management }) => management === 'down')
    expect(state).toMatchObject({ peerView: 'unknown', toolkit: 'unknown', evidence: { kind: 'none' } })
    expect(monitor.pair()).toMatchObject({ state: 'unknown', subject: 'west' })
    monitor.dataPlane.report({ dc: 'west', up: false, at: before })
    expect(monitor.state('west').evidence).toMatchObject({ kind: 'data-plane' })
    expect(monitor.pair().state).toBe('unknown')
    count(east, { ...UP, status: 2 })
    await monitor.waitFor(({ pair }) => pair().state === 'peer-crashed', { within, describe: 'a crash' })
    expect(monitor.pair()).toMatchObject({ subject: 'west', evidence: { kind: 'data-plane' } })
  })

  it('usefully is up, and tells nothing', async ({ scene }) => {
    await normal(scene)
    scene.west.script.failure = { status: 401, body: { messages: [{ message: 'who are you?' }] } }
    const state = await seen(scene, 'west', ({ toolkit }) => toolkit === 'unknown')
    expect(state).toMatchObject({ management: 'up', peerView: 'unknown', evidence: { kind: 'none' } })
  })
})

describe('a data centre that hangs', () => {
  it.override('options', { requestWithin: '1h' })

  it('does not hold up the other', async ({ scene }) => {
    await normal(scene)
    scene.west.script.hangs = true
    count(scene.east, { ...UP, status: 2 })
    await seen(scene, 'east', ({ peerView }) => peerView === 'down')
    expect(scene.monitor.state('west').management).toBe('up')
  })
})

describe('a data centre that does not answer in time', () => {
  it('counts as down when that lasts', async ({ scene }) => {
    await normal(scene)
    scene.west.script.hangs = true
    await seen(scene, 'west', ({ management }) => management === 'down')
  })
})

describe('an orderly shutdown', () => {
  it('is known by its messages and the silence after', async ({ scene }) => {
    await normal(scene)
    count(scene.east, { ...UP, special: 1, control: 1 })
    await seen(scene, 'east', ({ quiesced }) => quiesced)
    expect(scene.monitor.pair()).toMatchObject({ state: 'orderly-shutdown', subject: 'east' })
    expect(scene.events.find((event) => event.type === 'observation' && event.subject === 'shutdown')).toBeDefined()
    // It stays one when the job is cancelled, and ends with a new life.
    scene.east.script.job = undefined
    await seen(scene, 'east', ({ toolkit }) => toolkit === 'gone')
    expect(scene.monitor.pair().state).toBe('orderly-shutdown')
    scene.east.script.job = 'app'
    count(scene.east, { status: 0 }, { launchCount: 2 })
    await seen(scene, 'east', ({ quiesced }) => !quiesced)
  })

  it('is not every special message', async ({ scene }) => {
    await normal(scene)
    count(scene.east, { ...UP, special: 1 })
    await seen(scene, 'east', ({ counters: { specialMessages } }) => specialMessages === 1)
    count(scene.east, { ...UP, special: 1, sent: 6, ticks: 6 })
    await seen(scene, 'east', ({ heartbeatsSent }) => heartbeatsSent === 6)
    expect(scene.monitor.state('east').quiesced).toBe(false)
  })
})

it('finds a stuck split brain by ticks without heartbeats', async ({ scene }) => {
  await normal(scene)
  for (const site of [scene.east, scene.west]) count(site, { ...UP, status: 2, ticks: 8 })
  await scene.monitor.waitFor(({ pair }) => pair().state === 'stuck-split-brain', { within, describe: 'being stuck' })
  const silences = scene.events.filter((event) => event.type === 'observation' && event.subject === 'heartbeats')
  expect(silences).toMatchObject([{ value: 'silent' }, { value: 'silent' }])
})

describe('probes of other services', () => {
  const there = { data: true }
  const slow = (signal: AbortSignal): Promise<boolean> =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('too late'))))

  it('tell whether they are there, each by itself', async ({ scene }) => {
    const { east, west } = scene
    await using monitor = openMonitor({
      dcs: {
        east: { management: east.management, job: 'app', data: () => Promise.resolve(there.data), crossDcPorts: slow },
        west: { management: west.management, job: 'app' },
      },
      every: '10ms',
      probeEvery: '10ms',
      requestWithin: '200ms',
    })
    await monitor.waitFor(({ state }) => state('east').dataService === 'up', { within, describe: 'data' })
    there.data = false
    await monitor.waitFor(({ state }) => state('east').dataService === 'down', { within, describe: 'no data' })
    await monitor.waitFor(({ state }) => state('east').crossDcPorts === 'down', { within, describe: 'no ports' })
    expect(monitor.state('west')).toMatchObject({ dataService: 'unknown', crossDcPorts: 'unknown' })
    await monitor.waitFor(({ state }) => state('east').management === 'up', { within, describe: 'management' })
  })
})

it('probes receivers without posting to them', async () => {
  const asked: string[] = []
  const server = createServer((incoming, answer) => {
    asked.push(`${incoming.method} ${incoming.url}`)
    answer.writeHead(404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const probe = receiverProbe(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await expect(probe(AbortSignal.timeout(5000))).resolves.toBe(true)
  expect(asked).toEqual(['GET /crossdcrx/CrossDataCenterReceiverForHB/ports/output/0/info'])
  await new Promise((resolve) => server.close(resolve))
  await expect(probe(AbortSignal.timeout(5000))).rejects.toThrow()
})

it('ends its waits when it ends', async ({ scene }) => {
  const waiting = scene.monitor.waitFor(() => false, { within: '1h', describe: 'what never comes' })
  const failed = expect(waiting).rejects.toThrow('Gave up waiting for what never comes')
  await scene.monitor[Symbol.asyncDispose]()
  await failed
})
