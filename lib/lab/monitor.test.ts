import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it as base } from 'vitest'
import { elapsed, type Interval } from '../core/index.ts'
import type { HistoryEventInput } from '../history/index.ts'
import { openDataExchange, openManagement, type ManagementClient } from '../streams/index.ts'
import { openMonitor, predict, readConfiguration, type FailoverMonitor, type Prediction } from '../toolkit/index.ts'
import { startEmbeddedLab, type DcName, type EmbeddedLab, type EmbeddedLabOptions } from './embedded/index.ts'

/** A line of the lab's own record of what truly happened. */
interface Truth {
  readonly at: number
  readonly dc?: DcName
  readonly event: string
  readonly view?: 'up' | 'down'
  readonly snapshots?: number
}

type Observed = Extract<HistoryEventInput, { type: 'observation' }>

interface Pair {
  readonly lab: EmbeddedLab
  readonly clients: Readonly<Record<DcName, ManagementClient>>
  readonly monitor: FailoverMonitor
  readonly prediction: Prediction
  readonly events: readonly HistoryEventInput[]
  observed(dc: DcName, subject: string): readonly Observed[]
  truth(dc: DcName, event: string): Promise<readonly Truth[]>
  ctl(...verb: readonly string[]): Promise<unknown>
  cut(id: string, from: DcName | 'runner', to: DcName, port?: string): Promise<void>
}

const run = promisify(execFile)

const it = base
  .extend('options', {} as Omit<EmbeddedLabOptions, 'directory'>)
  .extend('pair', async ({ options }, { onCleanup }): Promise<Pair> => {
    const open: (() => PromiseLike<unknown>)[] = []
    onCleanup(async () => {
      for (const close of open.reverse()) await close()
    })
    const directory = await mkdtemp(join(tmpdir(), 'monitor-'))
    open.push(() => rm(directory, { recursive: true, force: true }))
    const lab = await startEmbeddedLab({ directory: join(directory, 'lab'), ...options })
    open.push(() => lab[Symbol.asyncDispose]())
    const client = (site: DcName): ManagementClient => {
      const { dc, managementUrl: url, username, password, ca, instance } = lab.sites[site]
      return openManagement({ dc, url, credentials: { username, password }, tls: { ca }, instance })
    }
    const clients = { east: client('east'), west: client('west') }
    open.push(() => clients.east[Symbol.asyncDispose]())
    open.push(() => clients.west[Symbol.asyncDispose]())
    const events: HistoryEventInput[] = []
    const monitor = openMonitor({
      dcs: {
        east: { management: clients.east, job: lab.sites.east.application.jobName },
        west: { management: clients.west, job: lab.sites.west.application.jobName },
      },
      recorder: { event: (event) => void events.push(event) },
    })
    open.push(() => monitor[Symbol.asyncDispose]())
    const configuration = await readConfiguration(lab.sites.west.configFile)
    const ctl = async (...verb: readonly string[]): Promise<unknown> => {
      const [program = '', ...argv] = lab.control
      const { stdout } = await run(program, [...argv, ...verb])
      return JSON.parse(stdout)
    }
    return {
      lab,
      clients,
      monitor,
      prediction: predict(configuration, { timeScale: lab.timeScale }),
      events,
      observed: (dc, subject) =>
        events
          .filter((event) => event.type === 'observation')
          .filter((one) => one.dc === dc && one.subject === subject),
      truth: async (dc, event) => {
        const lines = (await readFile(lab.truthFile, 'utf8')).trimEnd().split('\n')
        return lines.map((line) => JSON.parse(line) as Truth).filter((one) => one.dc === dc && one.event === event)
      },
      ctl,
      async cut(id, from, to, port) {
        // Blackholed heartbeats may arrive when the link heals, and rejoin the pair: see the toolkit reference, S6.
        const argv = ['--id', id, '--from', from, '--to', to, '--mode', port ? 'blackhole' : 'reset']
        await ctl('links', 'cut', ...argv, ...(port ? ['--port', port] : []))
      },
    }
  })

/** Every change of view was seen, and the truth lies in its interval. The first observation is no change, but how it was. */
async function expectTrueViews(pair: Pair, dc: DcName): Promise<void> {
  const seen = pair
    .observed(dc, 'peer-view')
    .slice(1)
    .filter(({ value }) => value !== 'never-seen')
  const all = await pair.truth(dc, 'peer-view')
  const start = all.findIndex(({ view, at }) => seen[0] && view === seen[0].value && at >= seen[0].at.earliest)
  // What happened after the last look was not seen yet.
  const truth = all.slice(start, start + seen.length)
  expect(seen.map(({ value }) => value)).toEqual(truth.map(({ view }) => view))
  for (const [index, { at }] of seen.entries()) expectInside(truth[index]?.at, at)
}

function expectInside(truth: number | undefined, at: Interval): void {
  expect(truth).toBeGreaterThanOrEqual(at.earliest)
  expect(truth).toBeLessThanOrEqual(at.latest)
}

async function normal({ monitor }: Pair): Promise<void> {
  await monitor.reconverged({ within: '10s' })
  await monitor.snapshotsReplicated({ within: '10s', since: 0 })
  expect(monitor.pair().state).toBe('normal')
}

describe('an active/active pair', () => {
  it('is followed through a crash, the takeover and the return', async ({ pair }) => {
    const { monitor, prediction } = pair
    await normal(pair)
    const off = (await pair.ctl('power', 'off', 'east')) as { offBetween: [number, number] }
    const [earliest, latest] = off.offBetween
    const takeover = await monitor.completedTakeover({ survivor: 'west', since: earliest, within: '10s' })
    expect(takeover).toMatchObject({ survivor: 'west', pieces: 1, evidence: { kind: 'toolkit-metrics' } })
    const [down] = (await pair.truth('west', 'peer-view')).filter(({ view }) => view === 'down')
    const [end] = await pair.truth('west', 'takeover-end')
    expectInside(down?.at, takeover.detection)
    expectInside(end?.at, takeover.takeover)
    const measured = elapsed({ earliest, latest }, takeover.detection)
    expect(measured.upperMs).toBeGreaterThan(prediction.detectionAfterCrash.lowerMs)
    expect(measured.lowerMs).toBeLessThan(prediction.detectionAfterCrash.upperMs)
    await monitor.waitFor(({ state }) => state('east').management === 'down', { within: '5s', describe: 'silence' })
    expect(monitor.state('east')).toMatchObject({ peerView: 'unknown', toolkit: 'unknown' })
    monitor.dataPlane.report({ dc: 'east', up: false, at: latest })
    expect(monitor.pair()).toMatchObject({ state: 'peer-crashed', subject: 'east', evidence: { kind: 'data-plane' } })
    expect(monitor.describe()).toMatch(/west sees east down since .*, took over 1 piece/)
    const back = performance.now()
    await pair.ctl('power', 'on', 'east')
    await monitor.reconverged({ within: '20s' })
    expect(performance.now() - back).toBeGreaterThan(prediction.returnSeen.exact.lowerMs)
    expect(monitor.pair().state).toBe('normal')
    expect(monitor.state('east').relaunches).toBeGreaterThan(0)
    await expectTrueViews(pair, 'west')
    await expectTrueViews(pair, 'east')
    const views = pair.observed('east', 'peer-view').map(({ value }) => value)
    expect(views.slice(-3)).toEqual(['up', 'never-seen', 'up'])
  })

  it('is found split, then stuck, and not rejoined by the healing alone', async ({ pair }) => {
    const { monitor } = pair
    await normal(pair)
    await pair.cut('p', 'east', 'west')
    await pair.cut('p', 'west', 'east')
    await monitor.waitFor(({ pair }) => pair().state === 'stuck-split-brain', { within: '10s', describe: 'stuck' })
    const states = pair.events.filter((event) => event.type === 'pair').map(({ state }) => state)
    expect(states.slice(-2)).toEqual(['split-brain', 'stuck-split-brain'])
    await pair.ctl('links', 'heal', '--id', 'p')
    const stuck = monitor.waitFor(({ pair }) => pair().state !== 'stuck-split-brain', {
      within: '2s',
      describe: 'change',
    })
    await expect(stuck).rejects.toThrow('in vain')
    const { management, job } = { management: pair.clients.east, job: pair.lab.sites.east.jobName }
    const [found] = await management.jobs({ name: job })
    const operator = await management.operator(found ?? '', 'CrossDCFailover.HeartbeatMessagePreparer')
    const pes = await management.pes({ job: found ?? '' })
    const pe = pes.find(({ self }) => self === operator.pe)
    await management.restartPe(pe ?? '')
    await monitor.reconverged({ within: '10s' })
    expect(monitor.pair().state).toBe('normal')
    expect(monitor.state('east')).toMatchObject({ relaunches: 1, launchCount: 2 })
    await expectTrueViews(pair, 'west')
  })

  it('is found deaf on one side first when one direction is lost', async ({ pair }) => {
    const { monitor, prediction } = pair
    await normal(pair)
    await pair.cut('one', 'east', 'west')
    await monitor.waitFor(({ pair }) => pair().state === 'one-way-loss', { within: '10s', describe: 'one-way loss' })
    expect(monitor.pair().subject).toBe('west')
    await monitor.waitFor(({ pair }) => pair().state === 'stuck-split-brain', { within: '10s', describe: 'both down' })
    const [west, east] = [monitor.state('west').declarations[0], monitor.state('east').declarations[0]]
    if (!west || !east) throw new Error('both have declared')
    const between = elapsed(west, east)
    expect(between.upperMs).toBeGreaterThan(prediction.oneWaySecondAfterFirst.lowerMs)
    expect(between.lowerMs).toBeLessThan(prediction.oneWaySecondAfterFirst.upperMs)
    await expectTrueViews(pair, 'west')
    await expectTrueViews(pair, 'east')
  })

  it('is followed through an orderly shutdown, after which nothing is taken over', async ({ pair }) => {
    const { monitor } = pair
    await normal(pair)
    const { dataUrl: url, username, password, ca } = pair.lab.sites.east
    await using data = openDataExchange({ dc: 'east', url, credentials: { username, password }, tls: { ca } })
    const endpoint = await data.endpoint({ operator: 'SpecialMessage', direction: 'inject' })
    await data.inject(endpoint, [{ msg: 'OrderlyShutdown' }])
    await monitor.waitFor(({ pair }) => pair().state === 'orderly-shutdown', { within: '10s', describe: 'shutdown' })
    const [quiesced] = await pair.truth('east', 'quiesced')
    expectInside(quiesced?.at, pair.observed('east', 'shutdown')[0]?.at ?? { earliest: 0, latest: 0 })
    const takeover = await monitor.completedTakeover({ survivor: 'west', within: '10s' })
    expect(takeover.pieces).toBe(0)
    expect(monitor.pair()).toMatchObject({ state: 'orderly-shutdown', subject: 'east' })
    await expectTrueViews(pair, 'west')
  })

  it('shows stale metrics for what they are while a PE hangs', async ({ pair }) => {
    const { monitor } = pair
    await normal(pair)
    const processes = (await pair.ctl('processes')) as readonly { pid: number; role: string; dc: DcName; id: string }[]
    const truth = await pair.truth('east', 'pe-start')
    const hung = processes.filter(({ role, dc }) => role === 'pe' && dc === 'east').map(({ pid }) => pid)
    expect(truth.length).toBeGreaterThan(0)
    for (const pid of hung) process.kill(pid, 'SIGSTOP')
    await monitor.waitFor(({ state }) => state('west').peerView === 'down', { within: '10s', describe: 'a DOWN' })
    await monitor.waitFor(({ state }) => state('east').stale, { within: '10s', describe: 'staleness' })
    expect(monitor.state('east').evidence.degraded).toMatch(/stale/)
    for (const pid of hung) process.kill(pid, 'SIGCONT')
    await monitor.waitFor(({ state }) => !state('east').stale, { within: '10s', describe: 'fresh metrics' })
    await expectTrueViews(pair, 'west')
  })
})

describe('a patient pair', () => {
  it.override('options', { toolkit: { consecutiveHeartbeatMissesAllowed: '15' } })

  it('is not believed to be down because its management service cannot be reached', async ({ pair }) => {
    const { monitor } = pair
    await normal(pair)
    const quiet = monitor.noTakeoverDuring({ for: '3s' })
    await pair.cut('m', 'runner', 'east', 'management')
    await monitor.waitFor(({ pair }) => pair().state === 'unknown', { within: '10s', describe: 'ignorance' })
    expect(monitor.state('east')).toMatchObject({ management: 'down', toolkit: 'unknown', evidence: { kind: 'none' } })
    await pair.ctl('links', 'heal', '--id', 'm')
    await monitor.waitFor(({ pair }) => pair().state === 'normal', { within: '10s', describe: 'sight' })
    await quiet
    expect(monitor.state('east').relaunches).toBe(0)
    expect(monitor.state('east').failovers + monitor.state('west').failovers).toBe(0)
  })
})

describe('an active/passive pair', () => {
  it.override('options', { mode: 'active-passive' })

  it('is taken over when the launched application runs', async ({ pair }) => {
    const { monitor } = pair
    await monitor.reconverged({ within: '10s' })
    expect(monitor.state('west').application).toBe('gone')
    const off = (await pair.ctl('power', 'off', 'east')) as { offBetween: [number, number] }
    const takeover = await monitor.completedTakeover({ survivor: 'west', since: off.offBetween[0], within: '20s' })
    const [down] = (await pair.truth('west', 'peer-view')).filter(({ view }) => view === 'down')
    expectInside(down?.at, takeover.detection)
    expect(takeover.evidence.kind).toBe('job-health')
    expect(monitor.state('west').application).toBe('running')
  })
})
