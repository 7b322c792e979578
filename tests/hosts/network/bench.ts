import {
  createFaultEngine,
  type FaultContext,
  type FaultEngine,
  type FaultEnvironment,
} from '../../../lib/faults/index.ts'
import type { HistoryEventInput } from '../../../lib/history/index.ts'
import { openShells, type HostSettings, type HostShells } from '../../../lib/hosts/index.ts'
import type { Bed, MachineName } from '../beds/bed.ts'
import { bedEnvironment } from '../beds/environment.ts'
import { differences, hostState, type HostState } from '../kill-matrix/host-state.ts'

/** An engine with what it recorded. */
export interface Bench {
  readonly engine: FaultEngine
  readonly environment: FaultEnvironment
  readonly shells: HostShells
  readonly events: readonly HistoryEventInput[]
  /** For calling parts of the product one by one. */
  readonly context: (id: string) => FaultContext
}

/** What differs from the bed as it is. */
export interface BenchChanges {
  readonly environment?: Partial<FaultEnvironment>
  readonly hosts?: readonly HostSettings[]
}

// A bed has no Streams, so there is nothing to be a client of.
const clients = {} as Parameters<typeof createFaultEngine>[0]['clients']

/** Works with an engine on a bed, over SSH as a drill has it, and heals everything at the end. */
export async function withEngine<T>(
  bed: Bed,
  work: (bench: Bench) => Promise<T>,
  changes: BenchChanges = {},
): Promise<T> {
  const hosts = changes.hosts ?? [bed.hosts.a, bed.hosts.b]
  const shells = openShells(hosts)
  const events: HistoryEventInput[] = []
  const environment = bedEnvironment(bed, { hosts, ...changes.environment })
  const recorder = { event: (event: HistoryEventInput) => void events.push(event) }
  const engine = createFaultEngine({ environment, clients, recorder, shells: shells.byName, ttl: '10s' })
  const context = (id: string): FaultContext => ({
    id,
    environment,
    clients,
    signal: new AbortController().signal,
    shell(host) {
      const shell = shells.byName[host]
      if (!shell) throw new Error(`there is no host ${host}`)
      return shell
    },
  })
  try {
    return await work({ engine, environment, shells, events, context })
  } finally {
    await engine[Symbol.asyncDispose]()
    await shells[Symbol.asyncDispose]()
  }
}

/** All that faults can change on the machines. */
export async function statesOf(bed: Bed): Promise<Readonly<Record<MachineName, HostState>>> {
  const state = (name: MachineName) => hostState((script) => bed.exec(name, { script }, { within: '20s' }))
  return { a: await state('a'), b: await state('b') }
}

/** What is different now; empty if nothing was left. */
export async function changesSince(
  bed: Bed,
  before: Readonly<Record<MachineName, HostState>>,
): Promise<readonly string[]> {
  const after = await statesOf(bed)
  return (['a', 'b'] as const).flatMap((name) =>
    differences(before[name], after[name]).map((text) => `${name} ${text}`),
  )
}
