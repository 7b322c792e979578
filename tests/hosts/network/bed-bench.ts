import type { DcClients, FaultEngine, FaultEngineOptions, FaultEnvironment } from '../../../lib/faults/index.ts'
import { createFaultEngine } from '../../../lib/faults/index.ts'
import type { HistoryEventInput } from '../../../lib/history/index.ts'
import { openShells, type HostShells, type Shell } from '../../../lib/hosts/index.ts'
import type { Bed } from '../beds/bed.ts'
import { bedEnvironment } from '../beds/environment.ts'
import { differences, hostState, type HostState } from '../kill-matrix/host-state.ts'

/** An engine on the machines of a bed, over their real shells. Ends with the scope. */
export interface BedBench {
  readonly engine: FaultEngine
  readonly environment: FaultEnvironment
  readonly shells: HostShells
  readonly events: readonly HistoryEventInput[]
  /** What differs on both machines from when the bench was made; empty if nothing does. */
  left(): Promise<readonly string[]>
  [Symbol.asyncDispose](): Promise<void>
}

/** Makes an engine on the machines of a bed. Network faults ask nothing of Streams, so by default there is none. */
export async function bedBench(
  bed: Bed,
  {
    environment: changes,
    isCut = () => false,
    ...options
  }: {
    readonly environment?: Partial<FaultEnvironment>
    /** True while no command of the engine reaches a machine: as if the runner were gone. */
    readonly isCut?: () => boolean
  } & Partial<Pick<FaultEngineOptions, 'ttl' | 'clients'>> = {},
): Promise<BedBench> {
  const shells = openShells([bed.hosts.a, bed.hosts.b])
  const environment = bedEnvironment(bed, changes)
  const events: HistoryEventInput[] = []
  const before = await statesOf(bed)
  const cuttable = (shell: Shell): Shell => ({
    name: shell.name,
    connect: (address, connectOptions) => shell.connect(address, connectOptions),
    [Symbol.asyncDispose]: () => shell[Symbol.asyncDispose](),
    run: (command, runOptions) =>
      isCut() ? Promise.reject(new Error('the runner is gone')) : shell.run(command, runOptions),
  })
  const engine = createFaultEngine({
    environment,
    clients: noClients,
    recorder: { event: (event) => void events.push(event) },
    // There are no data centres on a bed that could be well.
    stopConditions: [],
    ttl: '30s',
    shells: Object.fromEntries(Object.entries(shells.byName).map(([name, shell]) => [name, cuttable(shell)])),
    ...options,
  })
  return {
    engine,
    environment,
    shells,
    events,
    async left() {
      const after = await statesOf(bed)
      // Mounts are no business of the network, and on this machine others come and go.
      return [...differences(before.a, after.a), ...differences(before.b, after.b)].filter(
        (line) => !line.startsWith('mounts: '),
      )
    },
    async [Symbol.asyncDispose]() {
      await engine[Symbol.asyncDispose]()
      await shells[Symbol.asyncDispose]()
    },
  }
}

/** The state of both machines, looked at past SSH. */
export async function statesOf(bed: Bed): Promise<{ readonly a: HostState; readonly b: HostState }> {
  const of = (name: 'a' | 'b') => hostState((script) => bed.exec(name, { script }))
  return { a: await of('a'), b: await of('b') }
}

const noClients: Readonly<Record<'east' | 'west', DcClients>> = {
  get east(): DcClients {
    throw new Error('a fault of the network asks nothing of Streams')
  },
  get west(): DcClients {
    throw new Error('a fault of the network asks nothing of Streams')
  },
}
