import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { Secret } from '../../core/index.ts'
import type { DcName, HistoryEventInput } from '../../history/index.ts'
import { localShell, type Shell } from '../../hosts/index.ts'
import { openDataExchange, openManagement } from '../../streams/index.ts'
import { defineFault } from '../define-fault.ts'
import type { DcClients, Fault, FaultPlan, FaultStep } from '../definition.ts'
import { createFaultEngine, type FaultEngineOptions } from '../engine.ts'
import type { FaultEngine } from '../active.ts'
import type { FaultEnvironment, FaultHost } from '../target.ts'

/** Job of the bench's data centres. */
export const BENCH_JOB = 'failover-app'

/** An engine over two hosts, `a` (east) and `b` (west), which are this machine with lease directories of their own. */
export interface EngineBench {
  readonly engine: FaultEngine
  readonly environment: FaultEnvironment
  readonly shells: Readonly<Record<string, Shell>>
  readonly events: readonly HistoryEventInput[]
  readonly directoryOf: (host: string) => string
}

/** See {@link EngineBench}. `urls` are where the management APIs answer, if they do. */
export function engineBench(
  root: string,
  options: Partial<Omit<FaultEngineOptions, 'environment'>> & {
    readonly environment?: Partial<FaultEnvironment>
    readonly urls?: Readonly<Partial<Record<DcName, string>>>
  } = {},
): EngineBench {
  const directory = mkdtempSync(join(root, 'bench-'))
  const directoryOf = (host: string): string => join(directory, `leases-${host}`)
  const host = (name: string, dc: DcName): FaultHost => ({
    name,
    dc,
    aliases: [],
    addresses: [],
    managementNetworks: [],
    leaseDirectory: directoryOf(name),
  })
  const dcs = { east: benchDc(options.urls?.east), west: benchDc(options.urls?.west) }
  const environment: FaultEnvironment = {
    name: 'bench',
    timeScale: 1,
    dcs,
    operatorPrefix: 'CrossDC',
    hosts: [host('a', 'east'), host('b', 'west')],
    links: [],
    capabilities: ['processes'],
    safety: { maxFaults: 2, allow: ['process', 'host'], leaseTtl: '10s' },
    leaseDirectory: directoryOf('runner'),
    ...options.environment,
  }
  const events: HistoryEventInput[] = []
  const shells = options.shells ?? { a: localShell({ name: 'a' }), b: localShell({ name: 'b' }) }
  const { environment: _environment, urls: _urls, ...rest } = options
  const engine = createFaultEngine({
    clients: { east: clientsOf('east', environment), west: clientsOf('west', environment) },
    recorder: { event: (event) => events.push(event) },
    stopConditions: [],
    ...rest,
    shells,
    environment,
  })
  return { engine, environment, shells, events, directoryOf }
}

function benchDc(url = 'http://127.0.0.1:1/streams'): FaultEnvironment['dcs']['east'] {
  return {
    management: { url, username: 'u', password: new Secret('canary-engine'), tls: {} },
    instance: 'inst',
    application: {
      job: BENCH_JOB,
      bundle: 'none.sab',
      parameters: {},
      operators: { ingest: 'Ingest', results: 'Results', special: 'Special' },
    },
  }
}

function clientsOf(dc: DcName, { dcs }: FaultEnvironment): DcClients {
  const { url, username, password } = dcs[dc].management
  const credentials = { username, password }
  return {
    management: openManagement({ dc, url, credentials, instance: dcs[dc].instance, retry: { attempts: 1 } }),
    data: openDataExchange({ dc, url, credentials }),
  }
}

/** A fault that makes files and removes them again, with whatever steps a test wants. */
export function benchFault(
  steps: readonly FaultStep[],
  more: Partial<FaultPlan> & {
    readonly affects?: DcName
    readonly blastRadius?: 'process' | 'host'
    readonly stillOn?: () => Promise<void>
  } = {},
): Fault {
  const { affects, blastRadius = 'process', stillOn, ...plan } = more
  return defineFault({
    kind: 'bench',
    summary: 'Makes files.',
    params: z.strictObject({}),
    capabilities: [],
    blastRadius,
    target: () => 'files',
    affects: () => affects,
    survey: () => Promise.resolve({}),
    plan: () => ({ steps, effect: 'Files are there.', outage: [], ...plan }),
    confirm: () => Promise.resolve({ evidence: {} }),
    confirmHealed: () => Promise.resolve({ evidence: {} }),
    ...(stillOn ? { stillOn } : {}),
  }).with({})
}

/** A step that makes a file on a host. */
export function touchStep(host: string, file: string): FaultStep {
  return { host, do: { command: ['touch', file] }, undo: ['rm', '-f', file] }
}
