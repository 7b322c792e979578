import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dcEastWest } from '../environments/dc-east-west.ts'
import { eventually, now, reveal, type Duration } from '../lib/core/index.ts'
import { resolveEnvironment, type DcName, type ResolvedEnvironment } from '../lib/environment/index.ts'
import { createFaultEngine, type DcClients, type Fault, type FaultEngine, type FaultPlan } from '../lib/faults/index.ts'
import { openRecorder, readHistory, type HistoryEvent } from '../lib/history/index.ts'
import { localShell, openShells, type Command, type RunResult } from '../lib/hosts/index.ts'
import { openDataExchange, openManagement } from '../lib/streams/index.ts'

/** An engine with a record of its own. */
export interface BenchEngine {
  readonly engine: FaultEngine
  /** Ends the record and reads it. */
  readonly events: () => Promise<HistoryEvent[]>
}

/** An embedded lab with what is needed to break it. */
export interface FaultBench extends AsyncDisposable {
  readonly environment: ResolvedEnvironment
  readonly clients: Readonly<Record<DcName, DcClients>>
  /** A directory of this bench's own. */
  readonly directory: string
  engine(options?: {
    readonly maxFaults?: number
    readonly ttl?: Duration
    /** Default: the engine's own. Short where it is known that nothing will be confirmed. */
    readonly confirmWithin?: Duration
    /** Laid over the environment that the engine is told of. */
    readonly environment?: Partial<ResolvedEnvironment>
  }): BenchEngine
  /** Runs a command on this machine. */
  run(command: Command): Promise<RunResult>
  /** What the processes that forge heartbeats of this bench's lab were told. */
  forgeOrders(): readonly unknown[]
  /** Ends those processes with SIGKILL. */
  killForgers(): void
  /** Leases that lie on this machine. */
  leases(): readonly string[]
  /** Injects faults from a process of its own, which then renews their leases until it is killed. */
  runner(faults: readonly Fault[], ttl: Duration): Promise<BenchRunner>
}

/** Another runner. */
export interface BenchRunner {
  /** Kills it with SIGKILL, and waits until the host has undone all that it injected. Returns how long that took, in ms. */
  kill(): Promise<number>
}

/** Options of {@link openFaultBench}. */
export interface FaultBenchOptions {
  /** Laid over the toolkit's configuration of both data centres. */
  readonly toolkit?: Readonly<Record<string, string>>
}

/** Starts a lab of the example environment. */
export async function openFaultBench({ toolkit = {} }: FaultBenchOptions = {}): Promise<FaultBench> {
  const directory = mkdtempSync(join(tmpdir(), 'failover-faults-'))
  const { both, east, west } = dcEastWest.toolkit
  const configured = { both, east: { ...east, ...toolkit }, west: { ...west, ...toolkit } }
  const environment = await resolveEnvironment({ ...dcEastWest, toolkit: configured }, { env: {}, file: null })
  const shells = openShells(environment.hosts)
  const clients = { east: clientsOf(environment, 'east'), west: clientsOf(environment, 'west') }
  const local = localShell()
  const engines: FaultEngine[] = []
  const runners: ChildProcess[] = []
  const leases = (): string[] => (existsSync(environment.leaseDirectory) ? readdirSync(environment.leaseDirectory) : [])
  return {
    environment,
    clients,
    directory,
    leases,
    engine({ maxFaults = 1, ttl, confirmWithin, environment: changes } = {}) {
      const recorder = openRecorder(mkdtempSync(join(directory, 'drill-')))
      recorder.event(started(environment))
      const engine = createFaultEngine({
        environment: { ...environment, ...changes, safety: { ...environment.safety, ...changes?.safety, maxFaults } },
        clients,
        recorder,
        shells: shells.byName,
        ...(ttl === undefined ? {} : { ttl }),
        ...(confirmWithin === undefined ? {} : { deadlines: { confirm: confirmWithin } }),
      })
      engines.push(engine)
      return {
        engine,
        async events() {
          await recorder[Symbol.asyncDispose]()
          return [...readHistory(recorder.directory).events]
        },
      }
    },
    run: (command) => local.run(command, { within: '30s' }),
    forgeOrders: () => forgers(environment.leaseDirectory).map(({ order }) => order),
    killForgers() {
      for (const { pid } of forgers(environment.leaseDirectory)) process.kill(pid, 'SIGKILL')
    },
    async runner(faults, ttl) {
      const order = {
        environment: { ...environment, safety: { ...environment.safety, maxFaults: faults.length } },
        password: { east: reveal(passwordOf(environment, 'east')), west: reveal(passwordOf(environment, 'west')) },
        ttl,
        faults: faults.map(({ kind, params }) => ({ kind, params })),
      }
      const file = join(mkdtempSync(join(directory, 'runner-')), 'order.json')
      writeFileSync(file, JSON.stringify(order), { mode: 0o600 })
      const runner = spawn(process.execPath, [RUN_TS, HOLDER, file], {
        stdio: ['ignore', 'pipe', 'inherit'],
        detached: true,
      })
      runners.push(runner)
      await new Promise<void>((resolve, reject) => {
        let said = ''
        runner.stdout.on('data', (chunk: Buffer) => {
          said += chunk.toString()
          if (said.includes('all faults are on')) resolve()
        })
        runner.once('exit', (code) => reject(new Error(`the runner ended with ${code}: ${said}`)))
      })
      return {
        async kill() {
          killGroup(runner)
          const killed = now()
          await eventually(
            async () => {
              const open = leases().filter((id) => !existsSync(join(environment.leaseDirectory, id, 'undone')))
              return Promise.resolve(
                open.length === 0 ? { done: true, value: true } : { done: false, seen: open.join(', ') },
              )
            },
            { within: '40s', every: '20ms', describe: 'the host to undo everything' },
          )
          return now() - killed
        },
      }
    },
    async [Symbol.asyncDispose]() {
      for (const runner of runners) killGroup(runner)
      await Promise.allSettled(engines.map((engine) => engine[Symbol.asyncDispose]()))
      for (const { management, data } of Object.values(clients)) {
        await management[Symbol.asyncDispose]()
        await data[Symbol.asyncDispose]()
      }
      await shells[Symbol.asyncDispose]()
      await environment[Symbol.asyncDispose]()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** The same fault with other steps: what it is said to do, it does not. */
export function instead(fault: Fault, change: (plan: FaultPlan) => FaultPlan): Fault {
  const { definition } = fault
  return { ...fault, definition: { ...definition, plan: (...given) => change(definition.plan(...given)) } }
}

/** A fault whose steps do nothing at all, and whose undo is as it was. */
export function toothless(fault: Fault): Fault {
  return instead(fault, (plan) => ({ ...plan, steps: plan.steps.map((step) => ({ ...step, do: NOTHING })) }))
}

/** A step that does nothing. */
export const NOTHING = { command: ['true'] } as const

/** The states of the faults of a record, in order. */
export function statesOf(events: readonly HistoryEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'fault' ? [event.state] : []))
}

/** The states of a fault that did what it should and was healed. */
export const WHOLE_LIFE = ['planned', 'armed', 'injected', 'confirmed', 'healing', 'healed']

const HOLDER = join(import.meta.dirname, '../lib/faults/fault-holder.test.main.ts')
const RUN_TS = join(import.meta.dirname, '../scripts/run-ts.mjs')

/** Processes with a lease of some directory that forge heartbeats, by their command lines. */
function forgers(leaseDirectory: string): { readonly pid: number; readonly order: unknown }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      const words = commandLineOf(pid)
      const isForger = words[1]?.includes('forge') === true && words[2]?.startsWith(leaseDirectory) === true
      return isForger ? [{ pid: Number(pid), order: JSON.parse(words[4] ?? '') as unknown }] : []
    })
}

function commandLineOf(pid: string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return [] // It has ended.
  }
}

function passwordOf(environment: ResolvedEnvironment, dc: DcName) {
  return environment.dcs[dc].management.password
}

function clientsOf(environment: ResolvedEnvironment, dc: DcName): DcClients {
  const { management, data, instance } = environment.dcs[dc]
  const { username, password, tls } = management
  const credentials = { username, password }
  return {
    management: openManagement({ dc, url: management.url, credentials, tls, instance }),
    data: openDataExchange({ dc, url: data.url, credentials, tls }),
  }
}

/** The event that a record begins with. */
export function started(environment: ResolvedEnvironment) {
  const at = now()
  return {
    type: 'drill-started' as const,
    at,
    origin: at,
    wall: Date.now(),
    run: 'test',
    name: 'faults',
    file: 'faults.test.ts',
    environment: environment.name,
    target: environment.target,
    mode: environment.mode,
    roles: { victim: 'east' as const, survivor: 'west' as const },
    objectives: {},
    contract: { delivery: 'at-most-once' as const, ordered: true },
    seed: 1,
  }
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  process.kill(-child.pid, 'SIGKILL')
}
