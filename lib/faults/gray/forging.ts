import { join } from 'node:path'
import { bundleProgram } from '../../bundle/index.ts'
import { z } from 'zod'
import { eventually, formatMs, isDuration, now, toMs, type Duration } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import type { Confirmation, FaultContext, FaultDefinition, FaultPlan, PlanContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { livingWorkers, noWorkers, workerStep } from '../process/worker.ts'
import type { FaultDeadlines } from '../services.ts'
import type { FaultEnvironment, FaultLink } from '../target.ts'
import { forgeTold, type ForgeOrder } from './forge-order.ts'
import { heartbeatMs, toolkitCounters, toolkitOf } from './toolkit-counters.ts'

/** Whose heartbeats are played to whom. */
export interface Forging {
  readonly from: DcName
  readonly to: DcName
  /** Time from one to the next. Default: a quarter of the toolkit's own. */
  readonly every?: Duration | undefined
}

/** How often heartbeats are forged. */
export const everyParam = z
  .custom<Duration>(isDuration, "is a length of time with its unit, as in '500ms'")
  .refine((every) => toMs(every) > 0, 'is more than 0')

/** What is known before anything is forged. */
export interface ForgingFacts {
  readonly program: string
  readonly order: ForgeOrder
}

/** Heartbeats that may come at once although they are not forged: around the ends of a window, and collected late. */
const SLACK = 2
/** What management APIs and a busy machine may take beside the heartbeats. */
const AROUND_MS = 10_000
const ANSWER_MS = 5000

const WORKER_PROGRAM = `
"$1" "$2" "$lease" "$name" "$3" &
child=$!
while go_on && kill -0 "$child" 2>/dev/null; do nap 2; done
finish
`

/**
 * Looks whether the toolkit of `to` can be played to from this machine.
 * @param message the first heartbeat; the next ones count on, or are the same
 * @throws FaultTargetError
 */
export async function surveyForging(
  context: FaultContext,
  forging: Forging,
  message: Pick<ForgeOrder, 'count' | 'counts' | 'origin'>,
): Promise<ForgingFacts> {
  const { environment } = context
  const everyMs = periodOf(environment, forging)
  const own = heartbeatMs(environment, forging.from)
  if (everyMs > own / 2) {
    throw new FaultTargetError(
      `Heartbeats forged every ${formatMs(everyMs)} cannot be told from those of ${forging.from}, which come every ${formatMs(own)}.`,
      { remedy: `Forge them twice as often at least: every ${formatMs(own / 2)} or less.` },
    )
  }
  const { host, listenPort: port } = heartbeatLink(environment, forging)
  const stream = await context.shell('runner').connect({ host, port }, { within: '5s', signal: context.signal })
  stream.destroy()
  await toolkitCounters(context, forging.to)
  const program = await bundleProgram(join(import.meta.dirname, 'forge.main.ts'))
  return { program, order: { host, port, everyMs, withinMs: ANSWER_MS, ...message } }
}

/** A plan with the forger as a process of this machine, under the lease. */
function planForging(context: PlanContext, { from, to }: Forging, { program, order }: ForgingFacts): FaultPlan {
  const args = [process.execPath, program, JSON.stringify(order)]
  return {
    steps: [workerStep(context, 'runner', { program: WORKER_PROGRAM, args })],
    effect: `${to} receives heartbeats of ${order.origin} every ${formatMs(order.everyMs)} that ${from} did not send, and holds ${from} for up.`,
    outage: [],
  }
}

/**
 * Confirms that `to` counts more heartbeats than `from` can have sent, as many as the forger got rid of, and that it sees its
 * peer up.
 */
async function confirmForging(context: FaultContext, forging: Forging): Promise<Confirmation> {
  const { to, from } = forging
  const own = heartbeatMs(context.environment, from)
  const begun = { at: now(), taken: await taken(context), ...(await toolkitCounters(context, to)) }
  const seen = await eventually(
    async () => {
      const forged = (await taken(context)) - begun.taken
      const { received, peer } = await toolkitCounters(context, to)
      const grown = received - begun.received
      const real = atMost(now() - begun.at, own)
      const counts = { received: grown, forged, atMostReal: real, peer }
      return Math.min(grown, forged) > real && peer === 'up'
        ? { done: true, value: counts }
        : {
            done: false,
            seen: `${grown} received, ${forged} forged and taken, ${real} may be real; the peer is ${peer}`,
          }
    },
    {
      within: `${windowMs(context.environment, forging) * 2 + AROUND_MS}ms`,
      every: '20ms',
      signal: context.signal,
      describe: `${to} to receive more heartbeats than ${from} sends`,
    },
  )
  return { evidence: seen.value }
}

/** Confirms that nobody forges any more, and that `to` receives no more heartbeats than `from` can send. */
async function confirmNotForging(context: FaultContext, forging: Forging): Promise<Confirmation> {
  const { to, from } = forging
  await noWorkers(context, 'runner')
  const own = heartbeatMs(context.environment, from)
  const window = windowMs(context.environment, forging)
  const read = async () => ({ at: now(), received: (await toolkitCounters(context, to)).received })
  let begun = await read()
  const seen = await eventually(
    async () => {
      const current = await read()
      const grown = current.received - begun.received
      const lasted = current.at - begun.at
      const real = atMost(lasted, own)
      // What was collected late, or was under way, is not held against the heal: another window tells.
      if (grown > real) begun = current
      const text = `${grown} received within ${formatMs(lasted)}, ${real} may be real`
      return grown <= real && lasted >= window ? { done: true, value: text } : { done: false, seen: text }
    },
    {
      within: `${window * 3 + AROUND_MS}ms`,
      every: `${Math.max(20, window / 10)}ms`,
      signal: context.signal,
      describe: `${to} to receive no more heartbeats than ${from} sends`,
    },
  )
  return { evidence: { heartbeats: seen.value } }
}

/** @throws FaultTargetError if the forger has ended, TimeoutError if nobody takes its heartbeats any more */
async function stillForging(context: FaultContext, forging: Forging): Promise<void> {
  const before = await taken(context)
  await eventually(
    async () => {
      const more = (await taken(context)) - before
      return more > 0 ? { done: true, value: more } : { done: false, seen: 'none since' }
    },
    {
      within: `${2000 + 3 * periodOf(context.environment, forging)}ms`,
      every: '20ms',
      signal: context.signal,
      describe: `${forging.to} to take another forged heartbeat`,
    },
  )
}

/** Deadlines by the time that it takes to tell forged heartbeats from real ones. */
function forgingDeadlines(environment: FaultEnvironment, forging: Forging): Partial<FaultDeadlines> {
  const window = windowMs(environment, forging)
  return {
    survey: `${AROUND_MS + 3 * periodOf(environment, forging)}ms`,
    confirm: `${window * 2 + AROUND_MS * 1.5}ms`,
    confirmHealed: `${window * 3 + AROUND_MS * 1.5}ms`,
  }
}

/** How long it takes until more are forged than may be real. */
function windowMs(environment: FaultEnvironment, forging: Forging): number {
  const own = heartbeatMs(environment, forging.from)
  return (SLACK + 2) / Math.max(Number.EPSILON, 1 / periodOf(environment, forging) - 1 / own)
}

function atMost(lastedMs: number, ownMs: number): number {
  return Math.ceil(lastedMs / ownMs) + SLACK
}

function periodOf(environment: FaultEnvironment, { from, every }: Forging): number {
  return every === undefined ? heartbeatMs(environment, from) / 4 : toMs(every)
}

async function taken(context: FaultContext): Promise<number> {
  const [worker] = await livingWorkers(context, 'runner', 1)
  return worker?.told ? forgeTold.parse(JSON.parse(worker.told)).accepted : 0
}

/** The way of this machine to the heartbeat port of `to`; where none is known, that of the other data centre. */
function heartbeatLink({ links }: FaultEnvironment, { from, to }: Forging): FaultLink {
  const ways = links.filter((link) => link.to === to && link.port === 'heartbeat')
  const link = ways.find((way) => way.from === 'runner') ?? ways.find((way) => way.from === from)
  if (link) return link
  throw new FaultTargetError(`The environment knows no way to the heartbeat port of ${to}.`, {
    remedy: 'Give it a link to that port.',
  })
}

/** Whose name the heartbeats of a data centre carry. */
export function originOf(environment: FaultEnvironment, dc: DcName): string {
  return toolkitOf(environment, dc).localDataCenterName
}

/** What all faults have in common that play heartbeats of one data centre to the other. */
export function forgingKind<P extends Forging>(): Pick<
  FaultDefinition<P, ForgingFacts>,
  'blastRadius' | 'capabilities' | 'target' | 'affects' | 'deadlines' | 'plan' | 'confirm' | 'stillOn' | 'confirmHealed'
> {
  return {
    capabilities: ['management'],
    blastRadius: 'link',
    target: ({ from, to }) => `${from}→${to}`,
    affects: () => undefined,
    deadlines: forgingDeadlines,
    plan: planForging,
    confirm: confirmForging,
    stillOn: stillForging,
    confirmHealed: confirmNotForging,
  }
}
