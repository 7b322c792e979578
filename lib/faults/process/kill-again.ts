import { toMs, type Duration } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import type { FaultContext, FaultStep, HostName, PlanContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { findProcesses, listed, type FoundProcess } from './find.ts'
import { KILLER } from './killer-script.ts'
import type { PeTarget } from './pe-target.ts'
import { livingWorkers, workerStep } from './worker.ts'

/** What is killed again, and when. */
export interface KillAgain {
  /** From one kill to the next. Default: as soon as it is there again. */
  readonly every?: Duration
  /** How often in all, the first included. Default: for as long as the fault is on. */
  readonly times?: number
  /** Extended regular expression over the command line; without it, that very command line is meant. */
  readonly pattern?: string
  /** The program that a match of the pattern must run; empty: any. */
  readonly program: string
  readonly commandLine: string
  readonly mark: string
}

/** A step that starts a worker on a host, which kills a process again whenever it is started again. */
export function killAgain(context: PlanContext, host: HostName, order: KillAgain): FaultStep {
  const { every, times = 0, pattern = '', program, commandLine, mark } = order
  const hundredths = every === undefined ? 0 : Math.max(1, Math.round(toMs(every) / 10))
  return workerStep(context, host, {
    program: KILLER,
    args: [String(hundredths), String(times), pattern, program, commandLine, mark],
  })
}

/** How many kills there were after the first, as the workers of hosts tell. @throws FaultTargetError if one is gone */
export async function killsAgain(context: FaultContext, hosts: readonly HostName[]): Promise<number> {
  const workers = await Promise.all(hosts.map((host) => livingWorkers(context, host, 1)))
  return workers.flat().reduce((sum, { told }) => sum + Math.max(0, Number(told.split(' ')[0] ?? 0) - 1), 0)
}

/** The hosts of a data centre. */
export function hostsOf({ environment }: Pick<FaultContext, 'environment'>, dc: DcName): string[] {
  return environment.hosts.filter((host) => host.dc === dc).map(({ name }) => name)
}

/**
 * Sees to it that the process of a PE can be told from all others, so that what is killed again is no other. Resolves with it.
 * @throws FaultTargetError with those that look the same
 */
export async function knownFromOthers(
  context: FaultContext,
  dc: DcName,
  target: PeTarget,
  pattern?: string,
): Promise<FoundProcess> {
  const sought = pattern ?? `^${target.commandLine.replaceAll(/[.[\]{}()*+?^$|\\]/g, '\\$&')}$`
  const searches = await Promise.all(hostsOf(context, dc).map((host) => findProcesses(context, host, sought)))
  const found = searches.flatMap(({ matches }) => matches)
  const spared = searches.flatMap((search) => search.spared)
  const [only] = found
  if (only && found.length === 1 && only.pid === target.pid && spared.length === 0) return only
  const how = pattern === undefined ? 'its command line' : `the pattern ${pattern}`
  throw new FaultTargetError(
    `Of PE ${target.pe} only process ${target.pid} on ${target.host} may be killed again, and ${how} means:\n${listed([...found, ...spared]) || '  none'}`,
    { remedy: 'Give a pattern that matches the command line of this PE and no other.' },
  )
}

/**
 * Where the management API is called to undo what is killed again: on the machine of the runner. In a lab on that machine it is the
 * PE's own host, so that its worker ends first; elsewhere both are undone at the same time.
 */
export function hostOfApiUndo({ environment }: PlanContext, target: PeTarget): HostName {
  return environment.lab ? target.host : 'runner'
}
