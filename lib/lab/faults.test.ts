import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dcEastWest } from '../../environments/dc-east-west.ts'
import { messageOf, now } from '../core/index.ts'
import { resolveEnvironment, type DcName, type ResolvedEnvironment } from '../environment/index.ts'
import {
  createFaultEngine,
  dataCenterCrash,
  dataCenterIsolated,
  dataCenterShutdown,
  dataPathDead,
  dataServiceDown,
  defineFault,
  faultKinds,
  FaultFailedError,
  FaultNotConfirmedError,
  FaultNotHealedError,
  FaultRefusedError,
  heartbeatsForged,
  heartbeatsStale,
  hostIsolation,
  hostQuiesced,
  instanceRestarted,
  instanceStopped,
  jobCancelled,
  latency,
  networkPartition,
  oneWayPartition,
  orderlyShutdown,
  peHang,
  peKeptDown,
  peKill,
  peRestarted,
  peRestartLoop,
  peStopped,
  portBlock,
  processHang,
  processKeptDown,
  processKill,
  processRestartLoop,
  cpuPressure,
  diskFull,
  diskIo,
  fileDescriptors,
  memoryPressure,
  snapshotDirectory,
  restSlow,
  restWrong,
  sweep,
  type DcClients,
  type Fault,
  type FaultEngine,
  bandwidth,
  corruption,
  duplication,
  flapping,
  highLatencyWithLoss,
  packetLoss,
  reordering,
} from '../faults/index.ts'
import { armLeases } from '../faults/leases.ts'
import { contextOf, DEFAULT_DEADLINES, type FaultServices } from '../faults/services.ts'
import { runSteps } from '../faults/steps.ts'
import { openRecorder, readHistory, type DrillRecorder, type HistoryEvent } from '../history/index.ts'
import { localShell, openShells, type HostShells } from '../hosts/index.ts'
import { openDataExchange, openManagement } from '../streams/index.ts'
import { z } from 'zod'
import { started } from '../../tests/fault-bench.ts'

/** One fault of every kind, as a spec would ask for it. */
const samples: Readonly<Record<string, () => Fault>> = {
  bandwidth: () => bandwidth('east', 'west', { rate: '500kbit' }),
  corruption: () => corruption('east', 'west', { percent: 5 }),
  duplication: () => duplication('east', 'west', { percent: 5 }),
  flapping: () => flapping('east', 'west', { down: '2s', up: '2s' }),
  'high-latency-with-loss': () => highLatencyWithLoss('east', 'west', { delay: '60ms', percent: 5 }),
  'packet-loss': () => packetLoss('east', 'west', { percent: 5 }),
  reordering: () => reordering({ from: 'east', to: 'west' }, { percent: 5 }),
  'data-center-crash': () => dataCenterCrash('east'),
  'data-center-isolated': () => dataCenterIsolated('west'),
  'data-center-shutdown': () => dataCenterShutdown('west'),
  'data-path-dead': () => dataPathDead('east'),
  'data-service-down': () => dataServiceDown('west'),
  'heartbeats-forged': () => heartbeatsForged({ from: 'east', to: 'west' }),
  'heartbeats-stale': () => heartbeatsStale({ from: 'west', to: 'east' }),
  'host-isolation': () => hostIsolation('east'),
  'host-quiesced': () => hostQuiesced('west'),
  'instance-restarted': () => instanceRestarted('east'),
  'instance-stopped': () => instanceStopped('west'),
  'job-cancelled': () => jobCancelled('east'),
  latency: () => latency('east', 'west', { delay: '60ms', jitter: '10ms' }),
  'network-partition': () => networkPartition('east', 'west'),
  'one-way-partition': () => oneWayPartition({ from: 'east', to: 'west', mode: 'reset' }),
  'orderly-shutdown': () => orderlyShutdown('west'),
  'pe-hang': () => peHang('east', { operator: 'Logic' }),
  'pe-kept-down': () => peKeptDown('east', { operator: 'Logic' }),
  'pe-kill': () => peKill({ name: 'west' }, { operator: 'Ingest' }),
  'pe-restart-loop': () => peRestartLoop('west', { operator: 'Results' }, { every: '2s', times: 2 }),
  'process-hang': () => processHang({ dc: 'east', pattern: KEPT }),
  'process-kept-down': () => processKeptDown({ host: 'east', pattern: KEPT }),
  'process-kill': () => processKill({ host: 'east', pattern: KEPT }),
  'process-restart-loop': () => processRestartLoop({ host: 'east', pattern: KEPT }, { every: '2s', times: 2 }),
  'cpu-pressure': () => cpuPressure('east'),
  'disk-full': () => diskFull('east', { path: '/tmp' }),
  'disk-io': () => diskIo('east', { path: '/tmp' }),
  'file-descriptors': () => fileDescriptors('east', { pattern: KEPT }),
  'memory-pressure': () => memoryPressure('east', { reserve: '1gb' }),
  'snapshot-directory': () => snapshotDirectory('east', { mode: 'full' }),
  'pe-restarted': () => peRestarted('east', { operator: 'Logic' }),
  'pe-stopped': () => peStopped('west', { operator: 'Results' }),
  'rest-slow': () => restSlow('east', { delay: '200ms' }),
  'rest-wrong': () => restWrong('west', { mode: '5xx' }),
  'port-block': () => portBlock({ dc: 'west', port: 'data', mode: 'reset' }),
}

/** A process that is started again whenever it ends; unlike a PE, however often. */
const SECONDS = String(70_000 + (process.pid % 10_000))
const keeper = spawn('sh', ['-c', 'while :; do sleep "$1"; done', 'sh', SECONDS], { stdio: 'ignore', detached: true })
afterAll(() => process.kill(-(keeper.pid ?? Number.NaN), 'SIGKILL'))
const KEPT = `sleep ${SECONDS}`

function sample(kind: string): Fault {
  const make = samples[kind]
  if (!make) throw new Error(`add a sample of the fault ${kind} to this test`)
  return make()
}

const truthLine = z.object({ event: z.string(), dc: z.string().optional(), between: z.array(z.number()).optional() })

const ENDS_SERVICE = [
  'data-center-crash',
  'data-center-isolated',
  'data-center-shutdown',
  'data-path-dead',
  'data-service-down',
  'host-quiesced',
  'instance-restarted',
  'instance-stopped',
  'job-cancelled',
  'orderly-shutdown',
  'pe-hang',
  'pe-kept-down',
  'pe-kill',
  'pe-restart-loop',
  'pe-restarted',
  'pe-stopped',
]

let environment: ResolvedEnvironment
let shells: HostShells
let clients: Record<DcName, DcClients>
const directory = mkdtempSync(join(tmpdir(), 'failover-faults-'))

beforeAll(async () => {
  environment = await resolveEnvironment(dcEastWest, { env: {}, file: null })
  shells = openShells(environment.hosts)
  const open = (dc: DcName): DcClients => {
    const { management, data, instance } = environment.dcs[dc]
    const { username, password, tls } = management
    const credentials = { username, password }
    return {
      management: openManagement({ dc, url: management.url, credentials, tls, instance }),
      data: openDataExchange({ dc, url: data.url, credentials, tls }),
    }
  }
  clients = { east: open('east'), west: open('west') }
})

afterAll(async () => {
  for (const { management, data } of Object.values(clients ?? {})) {
    await management[Symbol.asyncDispose]()
    await data[Symbol.asyncDispose]()
  }
  await shells?.[Symbol.asyncDispose]()
  await environment?.[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true, force: true })
})

/** An engine with a record of its own. */
function bench(options: Partial<Parameters<typeof createFaultEngine>[0]> = {}): {
  engine: FaultEngine
  recorder: DrillRecorder
  events: () => Promise<HistoryEvent[]>
} {
  const recorder = openRecorder(mkdtempSync(join(directory, 'drill-')))
  recorder.event(started(environment))
  const engine = createFaultEngine({ environment, clients, recorder, shells: shells.byName, ...options })
  const events = async (): Promise<HistoryEvent[]> => {
    await recorder[Symbol.asyncDispose]()
    return [...readHistory(recorder.directory).events]
  }
  return { engine, recorder, events }
}

/** Leases that lie on this machine. */
const leases = (): string[] => (existsSync(environment.leaseDirectory) ? readdirSync(environment.leaseDirectory) : [])

/** The parts that the engine puts together, to be used one by one. */
function parts(id: string): { services: FaultServices; context: ReturnType<typeof contextOf> } {
  const shell = localShell()
  const services: FaultServices = {
    environment,
    clients,
    shell: () => shell,
    leaseDirectory: () => environment.leaseDirectory,
    ttl: '30s',
    deadlines: DEFAULT_DEADLINES,
    record: () => undefined,
    doubt: () => undefined,
  }
  return { services, context: contextOf(services, id, new AbortController().signal) }
}

/** Kinds that need packets, which the lab's relays do not carry, or the resources of a host that is not this machine. */
const onPackets = faultKinds.filter(({ capabilities }) =>
  (capabilities as readonly string[]).some((capability) => capability === 'packets' || capability === 'resources'),
)

describe.each(onPackets.map(({ kind }) => kind))('the fault %s, which needs packets or resources', (kind) => {
  it('is refused, since the embedded lab has none', async () => {
    const { engine } = bench()
    await expect(engine.inject(sample(kind))).rejects.toThrow(/the environment .* does not offer (packets|resources)/)
    expect(leases()).toEqual([])
    await engine[Symbol.asyncDispose]()
  })
})

const inTheLab = faultKinds.filter((kind) => !(onPackets as readonly unknown[]).includes(kind))

describe.each(inTheLab.map(({ kind }) => kind))('the fault %s', (kind) => {
  it('is planned, armed, injected, confirmed, healed, confirmed healed, and healed again', async () => {
    const { engine, events } = bench()
    const before = now()
    const fault = await engine.inject(sample(kind))
    expect(fault.state).toBe('confirmed')
    expect(engine.active).toEqual([fault])
    expect(leases()).toHaveLength(1)
    expect(fault.injected.earliest).toBeGreaterThanOrEqual(before)
    expect(fault.injected.earliest).toBeLessThanOrEqual(fault.injected.latest)
    if (ENDS_SERVICE.includes(kind)) expect(fault.outage).toBeDefined()
    else expect(fault.outage).toBeUndefined()

    const healed = await fault.heal()
    expect(fault.state).toBe('healed')
    expect(await fault.heal()).toBe(healed)
    expect(engine.active).toEqual([])
    expect(engine.doubts).toEqual([])
    expect(leases()).toEqual([])
    await engine[Symbol.asyncDispose]()

    const recorded = await events()
    const states = recorded.filter((event) => event.type === 'fault')
    expect(states.map(({ state }) => state)).toEqual(['planned', 'armed', 'injected', 'confirmed', 'healing', 'healed'])
    expect(new Set(states.map(({ id }) => id))).toEqual(new Set([fault.id]))
    const outages = recorded.filter((event) => event.type === 'outage')
    expect(outages).toHaveLength(fault.outage ? 2 : 0)
    if (fault.outage) expect(outages[1]).toMatchObject({ at: fault.outage, ends: { latest: expect.any(Number) } })
  })

  it('is undone by its lease file alone', async () => {
    const fault = sample(kind)
    const { definition, params } = fault
    const { services, context } = parts(`${kind}-by-file`)
    const facts = await definition.survey(context, params)
    const plan = definition.plan(context, params, facts)
    const held = await armLeases(
      services,
      { id: context.id, title: kind, plan },
      { signal: context.signal, onLost: () => undefined },
    )
    const injected = await runSteps(plan, context, '30s')
    await definition.confirm(context, params, facts, injected)
    for (const path of held.paths) execFileSync('sh', [join(path, 'undo.sh')], { stdio: 'pipe' })
    await definition.confirmHealed(context, params, facts)
    // Once more, now through the lease: nothing is left to undo, and that is fine.
    await held.undo('test')
    await held.release()
    definition.dispose?.(facts)
  })

  it('is healed where it was never injected', async () => {
    const fault = sample(kind)
    const { definition, params } = fault
    const { services, context } = parts(`${kind}-without`)
    const facts = await definition.survey(context, params)
    const plan = definition.plan(context, params, facts)
    const pesBefore = await launches()
    const held = await armLeases(
      services,
      { id: context.id, title: kind, plan },
      { signal: context.signal, onLost: () => undefined },
    )
    await held.undo('test')
    await definition.confirmHealed(context, params, facts)
    await held.release()
    definition.dispose?.(facts)
    expect(await launches()).toEqual(pesBefore)
  })

  it('tells in a dry run what it would do and the exact undo, and touches nothing', async () => {
    const { engine } = bench()
    const pesBefore = await launches()
    const text = await engine.dryRun(sample(kind))
    expect(text).toContain('It would do:')
    expect(text).toMatch(/Undo, written to (runner|east|west) first/)
    expect(text).not.toContain('"password"')
    expect(await launches()).toEqual(pesBefore)
    expect(leases()).toEqual([])
    await engine[Symbol.asyncDispose]()
  })
})

/** Which processes run what, for telling whether anything was touched. */
async function launches(): Promise<unknown> {
  const all = await Promise.all(
    (['east', 'west'] as const).map(async (dc) => {
      const pes = await clients[dc].management.pes()
      return pes.map(({ id, launchCount, processId, status }) => ({ dc, id, launchCount, processId, status }))
    }),
  )
  return all.flat()
}

describe('the crash of a data centre', () => {
  it('has the interval of the system calls for its outage', async () => {
    const { engine } = bench()
    await using crash = await engine.inject(dataCenterCrash('west'))
    const power = readFileSync(environment.lab?.truthFile ?? '', 'utf8')
      .trim()
      .split('\n')
      .map((line) => truthLine.parse(JSON.parse(line)))
      .filter(({ event, dc }) => event === 'power-off' && dc === 'west')
      .at(-1)
    expect([crash.outage?.earliest, crash.outage?.latest]).toEqual(power?.between)
  })
})

describe('the engine', () => {
  it('refuses what the environment does not allow, before anything is touched', async () => {
    const { safety, capabilities } = environment
    const refused = async (changes: Partial<ResolvedEnvironment>): Promise<string> => {
      const { engine } = bench({ environment: { ...environment, ...changes } })
      const error: unknown = await engine.inject(dataCenterCrash('east')).catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(FaultRefusedError)
      return messageOf(error)
    }
    expect(await refused({ capabilities: capabilities.filter((name) => name !== 'power') })).toContain(
      'does not offer power',
    )
    expect(await refused({ safety: { ...safety, allow: ['process', 'job'] } })).toContain('allows process, job')
    expect(leases()).toEqual([])
  })

  it('keeps to its budget of simultaneous faults', async () => {
    const { engine } = bench()
    const first = await engine.inject(networkPartition('east', 'west'))
    await expect(engine.inject(peHang('east', { operator: 'Logic' }))).rejects.toThrow(
      /1 fault is on, .* allows 1 at a time/,
    )
    await first.heal()
    await (await engine.inject(peHang('east', { operator: 'Logic' }))).heal()
    await engine[Symbol.asyncDispose]()
    await expect(engine.inject(peHang('east', { operator: 'Logic' }))).rejects.toThrow(/the drill is over/)
  })

  it('undoes a fault that is not confirmed, and says that nothing is proven', async () => {
    // It says that it cuts the network, and does not.
    const toothless = defineFault({
      ...networkPartition('east', 'west').definition,
      params: z.strictObject({}),
      plan: (context, _params, facts) => {
        const real = networkPartition('east', 'west')
        const plan = real.definition.plan(context, real.params, facts)
        return { ...plan, steps: plan.steps.map((step) => ({ ...step, do: { command: ['true'] } })) }
      },
      target: () => 'nothing',
      survey: (context) => {
        const real = networkPartition('east', 'west')
        return real.definition.survey(context, real.params)
      },
      confirm: (context, _params, facts, injected) => {
        const real = networkPartition('east', 'west')
        return real.definition.confirm(context, real.params, facts, injected)
      },
      confirmHealed: (context, _params, facts) => {
        const real = networkPartition('east', 'west')
        return real.definition.confirmHealed(context, real.params, facts)
      },
      affects: () => undefined,
    })
    const { engine, events } = bench()
    const injection = engine.inject(toothless.with({}))
    await expect(injection).rejects.toThrow(FaultNotConfirmedError)
    await expect(injection).rejects.toThrow(/east-west-heartbeat is answered on new connection/)
    expect(engine.doubts).toHaveLength(1)
    expect(engine.active).toEqual([])
    expect(leases()).toEqual([])
    const states = (await events()).filter((event) => event.type === 'fault')
    expect(states.map(({ state }) => state)).toEqual(['planned', 'armed', 'injected', 'failed'])
    expect(states.at(-1)?.detail).toMatch(/^undone after: /)
  })

  it('undoes a fault that failed half-way, and reports it', async () => {
    const marks = mkdtempSync(join(directory, 'half-way-'))
    const halfWay = defineFault({
      kind: 'half-way',
      summary: 'The second of two steps fails.',
      params: z.strictObject({}),
      capabilities: [],
      blastRadius: 'process',
      target: () => 'files',
      affects: () => undefined,
      survey: () => Promise.resolve({}),
      plan: () => ({
        steps: [
          { host: 'runner', do: { command: ['touch', join(marks, 'one')] }, undo: ['rm', '-f', join(marks, 'one')] },
          {
            host: 'runner',
            do: { command: { script: 'echo "no way" >&2; exit 3' } },
            undo: ['rm', '-f', join(marks, 'two')],
          },
        ],
        effect: 'none',
        outage: [],
      }),
      confirm: () => Promise.resolve({ evidence: {} }),
      confirmHealed: () => Promise.resolve({ evidence: {} }),
    })
    const { engine } = bench()
    const injection = engine.inject(halfWay.with({}))
    await expect(injection).rejects.toThrow(FaultFailedError)
    await expect(injection).rejects.toThrow(/half-way and was undone.*code 3: no way/)
    expect(readdirSync(marks)).toEqual([])
    expect(leases()).toEqual([])
  })

  it('leaves a fault that it cannot heal to the host, and can heal it later', async () => {
    const allow = join(mkdtempSync(join(directory, 'stubborn-')), 'allow')
    const stubborn = defineFault({
      kind: 'stubborn',
      summary: 'Its undo works once a file is there.',
      params: z.strictObject({}),
      capabilities: [],
      blastRadius: 'process',
      target: () => 'nothing',
      affects: () => undefined,
      survey: () => Promise.resolve({}),
      plan: () => ({
        steps: [{ host: 'runner', do: { command: ['true'] }, undo: { script: 'test -e "$1"', args: [allow] } }],
        effect: 'none',
        outage: [],
      }),
      confirm: () => Promise.resolve({ evidence: {} }),
      confirmHealed: () => Promise.resolve({ evidence: {} }),
    })
    const { engine } = bench({ ttl: '2s' })
    const fault = await engine.inject(stubborn.with({}))
    await expect(fault.heal()).rejects.toThrow(FaultNotHealedError)
    expect([fault.state, engine.active.length, engine.doubts.length]).toEqual(['failed', 1, 1])
    writeFileSync(allow, '')
    const [lease = ''] = leases()
    await expect
      .poll(() => existsSync(join(environment.leaseDirectory, lease, 'undone')), { timeout: 15_000, interval: 50 })
      .toBe(true)
    await fault.heal()
    expect([fault.state, engine.active.length, leases().length]).toEqual(['healed', 0, 0])
  })

  it('undoes everything when it is told to, also what is only being injected', async () => {
    const { engine } = bench()
    const injection = engine.inject(networkPartition('east', 'west')).catch((reason: unknown) => reason)
    expect(await engine.healAll('the run was interrupted')).toEqual([])
    expect(await injection).toBeInstanceOf(Error)

    await engine.inject(oneWayPartition({ from: 'west', to: 'east' }))
    expect(await engine.healAll('the run was interrupted')).toMatchObject([{ kind: 'one-way-partition', healed: {} }])
    expect(leases()).toEqual([])
  })

  it('finds no target where there is none, and says what there is', async () => {
    const { engine } = bench()
    await expect(engine.inject(peKill('east', { operator: 'Nobody' }))).rejects.toThrow(
      /no PE for east\/Nobody.*Its operators: .*Ingest/,
    )
    await expect(engine.inject(peKill('east', { index: 99 }))).rejects.toThrow(/no PE for east\/PE 99.*counted from 0/)
  })

  it('leaves faults to the host when their runner stops renewing, and knows that it did', async () => {
    const { engine, events } = bench({ ttl: '3s' })
    const fault = await engine.inject(networkPartition('east', 'west'))
    // The runner is away for longer than the lease: nothing is renewed meanwhile.
    spawnSync('sleep', ['4'])
    await expect
      .poll(() => engine.doubts.join(), { timeout: 10_000, interval: 50 })
      .toMatch(/not renewed within 3.00s.*undone the fault by itself/)
    expect(fault.state).toBe('failed')
    await fault.heal()
    expect((await events()).filter((event) => event.type === 'fault').map(({ state }) => state)).toEqual([
      'planned',
      'armed',
      'injected',
      'confirmed',
      'failed',
      'healing',
      'healed',
    ])
  })

  it('leaves nothing behind', async () => {
    expect(await sweep(environment.leaseDirectory, { shell: localShell() })).toEqual([])
  })
})
