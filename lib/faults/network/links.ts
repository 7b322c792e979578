import { z } from 'zod'
import { eventually, type Interval } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import { commandLine, type ShellScript } from '../../hosts/index.ts'
import type { Confirmation, Evidence, FaultContext, FaultPlan, InjectedSteps, PlanContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { labVerb, orLabGone } from '../lab-control.ts'
import type { FaultLink } from '../target.ts'
import { ask, askOpen, closeProbes, openProbes, type OpenProbe } from './probe.ts'

/** How long a link that works may take to answer a probe, and how long one must be silent to count as cut. */
export const PROBE_MS = 400

/** One direction between the data centres: connections that `from` opens to `to`. */
export interface Path {
  readonly from: DcName
  readonly to: DcName
}

/** What the survey of a network fault opened. */
export interface PathFacts {
  readonly probes: readonly OpenProbe[]
}

/** The links of a path: those of the failover toolkit between the data centres. */
export function linksOf(links: readonly FaultLink[], { from, to }: Path): readonly FaultLink[] {
  const found = links.filter((link) => link.from === from && link.to === to)
  if (found.length > 0) return found
  throw new FaultTargetError(`The environment knows no links from ${from} to ${to}.`, {
    remedy: 'Faults on links need the embedded lab in this version.',
  })
}

/** Opens a connection on every link of the paths, for the question whether existing connections are hit, too. */
export async function surveyPaths(context: FaultContext, paths: readonly Path[]): Promise<PathFacts> {
  const links = paths.flatMap((path) => linksOf(context.environment.links, path))
  return { probes: await openProbes(links, PROBE_MS * 5) }
}

/** A plan that lays something over all links of some paths at once. */
export function planOnPaths(
  { environment, id }: PlanContext,
  paths: readonly Path[],
  verb: readonly string[],
  effect: string,
): FaultPlan {
  const commands = paths.map(({ from, to }) => {
    const [action = '', ...options] = verb
    return labVerb(environment, ['links', action, '--id', id, '--from', from, '--to', to, ...options])
  })
  return {
    steps: [
      {
        host: 'runner',
        do: { command: atOnce(commands) },
        undo: orLabGone(environment, labVerb(environment, ['links', 'heal', '--id', id])),
      },
    ],
    effect,
    outage: [],
  }
}

const applied = z.object({ between: z.tuple([z.number(), z.number()]) })

/**
 * When the links really changed, as a lab tells it (monotonic milliseconds of this machine around the change); undefined where
 * it does not tell.
 */
export function changedBetween({ at, steps }: InjectedSteps): Interval | undefined {
  const printed = steps[0]?.result?.stdout.trim().split('\n') ?? []
  const told = printed.map((line) =>
    line.startsWith('{') ? applied.safeParse(JSON.parse(line)).data?.between : undefined,
  )
  const known = told.filter((between) => between !== undefined)
  if (known.length === 0 || known.length < printed.length) return undefined
  const earliest = Math.min(...known.map(([from]) => from))
  const latest = Math.max(...known.map(([, to]) => to))
  return earliest >= at.earliest && latest <= at.latest ? { earliest, latest } : undefined
}

/** Runs commands side by side; fails if one of them does. */
function atOnce(commands: readonly (readonly string[])[]): ShellScript {
  const starts = commands.map((command, i) => `${commandLine(command)} & p${i}=$!`)
  const waits = commands.map((_, i) => `wait "$p${i}" || failed=1`)
  return { script: ['failed=0', ...starts, ...waits, 'exit "$failed"'].join('\n') }
}

/**
 * Confirms that the paths are cut, on connections that were open before and on new ones, and that the others are not.
 * @throws FaultTargetError naming each link that says otherwise
 */
export async function confirmCut(
  context: FaultContext,
  facts: PathFacts,
  injected: InjectedSteps,
  { cut, whole }: { readonly cut: readonly Path[]; readonly whole: readonly Path[] },
): Promise<Confirmation> {
  const { links } = context.environment
  const rows = await Promise.all([
    ...facts.probes.map(async (probe) => row(probe.link, 'open connection', await askOpen(probe, PROBE_MS), false)),
    ...cut.flatMap((path) =>
      linksOf(links, path).map(async (link) => row(link, 'new connection', await ask(link, PROBE_MS), false)),
    ),
    ...whole.flatMap((path) =>
      linksOf(links, path).map(async (link) => row(link, 'new connection', await ask(link, PROBE_MS * 5), true)),
    ),
  ])
  const wrong = rows.filter((found) => !found.asWanted)
  if (wrong.length > 0) {
    throw new FaultTargetError(
      `Not as it should be: ${wrong.map(({ link, over, outcome }) => `${link} is ${outcome} on ${over}`).join(', ')}.`,
    )
  }
  const changed = changedBetween(injected)
  return {
    ...(changed ? { injected: changed } : {}),
    evidence: { probes: rows.map(({ link, over, outcome }): Evidence => ({ link, over, outcome })) },
  }
}

function row(link: FaultLink, over: string, { outcome }: { readonly outcome: string }, mustAnswer: boolean) {
  return { link: link.id, over, outcome, asWanted: (outcome === 'answered') === mustAnswer }
}

/** Waits until every link of the paths answers on a new connection. */
export async function confirmWhole(context: FaultContext, paths: readonly Path[]): Promise<Confirmation> {
  const links = paths.flatMap((path) => linksOf(context.environment.links, path))
  await eventually(
    async () => {
      const answers = await Promise.all(links.map(async (link) => ({ link, ...(await ask(link, PROBE_MS * 2)) })))
      const mute = answers.filter(({ outcome }) => outcome !== 'answered')
      return mute.length === 0
        ? { done: true, value: true }
        : { done: false, seen: mute.map(({ link, outcome }) => `${link.id} is ${outcome}`).join(', ') }
    },
    { within: '20s', every: '50ms', signal: context.signal, describe: 'all links to answer again' },
  )
  return { evidence: { answering: links.map(({ id }) => id) } }
}

/** Lets go of what {@link surveyPaths} opened. */
export function disposePaths({ probes }: PathFacts): void {
  closeProbes(probes)
}
