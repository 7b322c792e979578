import { z } from 'zod'
import type { DcName } from '../../history/index.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import type { FaultContext, FaultStep, HostName, PlanContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { leaseDirectoryOf } from '../lease-path.ts'
import { findProcesses, listed, type FoundProcess } from './find.ts'
import { FIND_SCRIPT } from './find-script.ts'

/** Which processes: those of a host, or of all hosts of a data centre, whose command line matches. */
export const processShape = {
  host: z.string().min(1).exactOptional(),
  dc: dcParam.exactOptional(),
  pattern: z.string().min(1),
  all: z.boolean(),
  group: z.boolean(),
}

interface Where {
  readonly host?: HostName
  readonly dc?: DcName
  readonly pattern: string
  readonly all: boolean
  readonly group: boolean
}

/** True if either a host or a data centre is named. */
export function namesOnePlace({ host, dc }: { readonly host?: string; readonly dc?: string }): boolean {
  return (host === undefined) !== (dc === undefined)
}

/** What {@link namesOnePlace} is for. */
export const ONE_PLACE = 'name either a host or a data centre (dc)'

/** Which processes, as a spec says it. */
export type ProcessTarget = {
  /** Extended regular expression over the whole command line, as `grep -E` takes it. Must match exactly one process, unless `all`. */
  readonly pattern: string
  /** Take all that match. Default false. */
  readonly all?: boolean
  /** Take the other members of their process groups, too. Default false. */
  readonly group?: boolean
} & ({ readonly host: HostName } | { readonly dc: DcRef })

/** The target of a spec as parameters. */
export function asParams(target: ProcessTarget): Where {
  const { pattern, all = false, group = false } = target
  return { pattern, all, group, ...('host' in target ? { host: target.host } : { dc: nameOf(target.dc) }) }
}

/** `east-app1/streams-rest`. */
export function processName({ host, dc, pattern }: Where): string {
  return `${host ?? dc}/${pattern}`
}

/** Processes that were found, by host. */
export interface FoundProcesses {
  readonly hosts: readonly { readonly host: HostName; readonly processes: readonly FoundProcess[] }[]
  readonly all: readonly FoundProcess[]
}

/**
 * Finds the processes of a target.
 * @throws FaultTargetError if there is none, or more than one without `all`, with the candidates; `alone`: also if the pattern
 * means what our own connection hangs on, which must not be looked for again and again
 */
export async function findTarget(
  context: FaultContext,
  where: Where,
  options: { readonly alone?: boolean } = {},
): Promise<FoundProcesses> {
  const { pattern, group } = where
  const hosts = placesOf(context, where)
  const searches = await Promise.all(hosts.map((host) => findProcesses(context, host, pattern, { group })))
  const matches = searches.flatMap((search) => search.matches)
  const spared = searches.flatMap((search) => search.spared)
  const place = hosts.join(', ')
  if (matches.length === 0) {
    const near = listed([...spared, ...searches.flatMap(({ others }) => others)])
    throw new FaultTargetError(
      `No process on ${place} has a command line that matches ${pattern}.${near === '' ? '' : ` There are:\n${near}`}`,
      { remedy: 'Correct the pattern (an extended regular expression over the whole command line).' },
    )
  }
  if (matches.length > 1 && !where.all && !group) {
    throw new FaultTargetError(`${matches.length} processes on ${place} match ${pattern}:\n${listed(matches)}`, {
      remedy: 'Write a pattern that matches only one, or ask for all of them (all: true).',
    })
  }
  if (options.alone && spared.length > 0) {
    throw new FaultTargetError(
      `The pattern ${pattern} also means what must not be looked for again and again:\n${listed(spared)}`,
      { remedy: 'Write a pattern that does not match these.' },
    )
  }
  return {
    hosts: hosts
      .map((host) => ({ host, processes: matches.filter((found) => found.host === host) }))
      .filter(({ processes }) => processes.length > 0),
    all: matches,
  }
}

function placesOf({ environment }: FaultContext, { host, dc }: Where): HostName[] {
  const found = environment.hosts.filter((one) => (host === undefined ? one.dc === dc : one.name === host))
  if (found.length > 0) return found.map(({ name }) => name)
  throw new FaultTargetError(
    `The environment ${environment.name} has no host ${host === undefined ? `at ${dc}` : host}.`,
    { remedy: `Its hosts: ${environment.hosts.map(({ name }) => name).join(', ') || 'none'}.` },
  )
}

/** Arguments that name processes to the scripts. */
export function triples(processes: readonly FoundProcess[], options: { readonly marks: boolean }): string[] {
  return processes.flatMap(({ pid, start, mark }) => [pid, start, options.marks ? mark : '-'])
}

/** A few processes, for a sentence. */
export function inWords(processes: readonly FoundProcess[]): string {
  const words = processes.map(({ host, pid, commandLine }) => `process ${pid} on ${host} (${commandLine.slice(0, 80)})`)
  return words.length > 3 ? `${words.slice(0, 3).join(', ')} and ${words.length - 3} more` : words.join(', ')
}

/**
 * Undo of a kill: runs the caller's command unless a process matches again; without a command there is nothing that we could undo.
 */
export function restartUndo(
  context: PlanContext,
  host: HostName,
  pattern: string,
  restart: readonly string[] | undefined,
): FaultStep['undo'] {
  if (!restart) return { script: `echo 'nothing of ours is on: who runs the process must start it again'` }
  return {
    script: RESTART_SCRIPT,
    args: [FIND_SCRIPT, pattern, leaseDirectoryOf(context.environment, host), ...restart],
  }
}

const RESTART_SCRIPT = String.raw`
find=$1 pattern=$2 leases=$3; shift 3
case $(echo; sh -c "$find" sh "$pattern" "$leases" '') in *'
match'*) echo 'it runs again'; exit 0 ;; esac
"$@"
`
