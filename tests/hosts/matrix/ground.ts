import type { DcClients, FaultEngineOptions, FaultEnvironment } from '../../../lib/faults/index.ts'
import type { HostShells, RunResult } from '../../../lib/hosts/index.ts'
import { hostState, type HostState } from '../kill-matrix/host-state.ts'

/** Where faults are tried: the embedded lab on this machine, and three kinds of real hosts. */
export const GROUNDS = ['local', 'sshd', 'container', 'vm'] as const

/** See {@link GROUNDS}. */
export type GroundName = (typeof GROUNDS)[number]

/** What rows aim at. */
export interface Places {
  /** The host of the data centre east. */
  readonly host: string
  /** A pattern for one process of that host, which is started again whenever it ends. */
  readonly victim: string
  /** A directory of that host that is a small file system of its own. */
  readonly smallDisk: string
  /** A directory of that host on a disk that is not memory. */
  readonly realDisk: string
}

/** A place to try faults on. */
export interface Ground extends AsyncDisposable {
  readonly environment: FaultEnvironment
  readonly clients: Readonly<Record<'east' | 'west', DcClients>>
  readonly shells: HostShells
  readonly places: Places
  /** Default: the engine's own, which asks Streams. */
  readonly stopConditions?: NonNullable<FaultEngineOptions['stopConditions']>
  /** All that faults can change, by machine, looked at past whatever is broken. */
  state(): Promise<Readonly<Record<string, HostState>>>
}

/** The state of a machine, its directory of leases included. */
export async function stateWithLeases(
  exec: (script: string) => Promise<RunResult>,
  leaseDirectory: string,
): Promise<HostState> {
  const state = await hostState(exec)
  const { stdout } = await exec(`ls -A '${leaseDirectory}' 2>/dev/null || true`)
  return { ...steady(state), leases: stdout.trim() }
}

/**
 * When a container is powered off and on, the numbers of its interfaces change, and the ports to which Docker leads its questions
 * for names (127.0.0.11).
 */
function steady(state: HostState): HostState {
  const text = (part: string): string => state[part] ?? ''
  const withoutDns = (part: string): string =>
    text(part)
      .split('\n')
      .filter((line) => !line.includes('127.0.0.11'))
      .join('\n')
  const link = text('link').replaceAll(/^\d+: |@if\d+| link-netnsid \d+/gm, '')
  return { ...state, link, nft: withoutDns('nft'), iptables: withoutDns('iptables') }
}

/** Starts a process that matches a pattern, and again whenever it ends. The pattern is of this run alone. */
export function newVictim(): { readonly pattern: string; readonly start: string; readonly stop: string } {
  const seconds = 900_000 + (process.pid % 90_000)
  const loop = `while :; do sleep ${seconds} & wait; done`
  return {
    pattern: `^sleep ${seconds}$`,
    start: `setsid sh -c '${loop}' </dev/null >/dev/null 2>&1 &
until pgrep -f '^sleep ${seconds}$' >/dev/null; do sleep 0.1; done`,
    stop: `pkill -KILL -f '[d]o sleep ${seconds} &'; pkill -KILL -f '^sleep ${seconds}$'; true`,
  }
}

/** Clients for machines without Streams. */
export const noClients: Ground['clients'] = {
  get east(): DcClients {
    throw new Error('there is no Streams on these machines')
  },
  get west(): DcClients {
    throw new Error('there is no Streams on these machines')
  },
}
