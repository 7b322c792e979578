import { toMs, type Duration } from '../../../core/index.ts'
import { commandLine, HOST_CLOCK, type Command } from '../../../hosts/index.ts'
import type { FaultContext, FaultPlan, FaultStep, HostName, PlanContext } from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import { labVerb, orLabGone } from '../../lab-control.ts'
import { workerStep } from '../../process/worker.ts'
import type { Direction } from './direction.ts'
import { FLAPPER } from './flapper.ts'
import { takeAway, treesOf } from './kernel-plan.ts'
import { ordersOnLinks, sideBySide } from './on-links.ts'
import { BUILD } from './scripts.ts'
import type { SendingHost, TrafficControlFacts } from './survey.ts'
import { hitLines, treeLines, unhitLines } from './tree.ts'

/** When a link goes down and up. */
export interface Flaps {
  readonly down: Duration
  readonly up: Duration
  /** How often it goes down; 0: for as long as the fault is on. */
  readonly times: number
}

/** {@link Flaps} with a moment on the host's clock at which the link goes down, or any number of turns from it. */
interface TimedFlaps extends Flaps {
  readonly origin?: number | undefined
}

/** What a host's own clock showed when the runner's showed something else, in ms. */
export interface HostTime {
  readonly host: HostName
  readonly hostMs: number
  readonly runnerMs: number
}

/** Reads the clock that the workers of a host keep time by. It is known to half of what the asking took. */
export async function hostTime(context: FaultContext, host: HostName): Promise<HostTime> {
  const script = `${HOST_CLOCK}\nclock; printf '%s\\n' "$clock"`
  const result = await context.shell(host).run({ script }, { within: '10s', signal: context.signal })
  const hundredths = Number(result.stdout.trim())
  if (result.code !== 0 || !Number.isInteger(hundredths) || hundredths === 0) {
    throw new FaultTargetError(`${host} does not tell the time: ${`${result.stdout}${result.stderr}`.trim()}.`)
  }
  return { host, hostMs: hundredths * 10, runnerMs: (result.sentAt + result.doneAt) / 2 }
}

/** The hosts whose workers take the link down and up. */
export function flappingHosts(kernel: TrafficControlFacts | undefined): readonly HostName[] {
  return kernel ? kernel.senders.map(({ network }) => network.host) : ['runner']
}

/**
 * A link that goes down and up: a worker on each host that sends there, under the fault's lease, puts the filters in that lead
 * packets to nowhere, and takes them out, all of them at the same times. What they hang in is laid before, so all that must be undone is one thing.
 */
export function planFlaps(
  context: PlanContext,
  direction: Direction,
  flaps: Flaps,
  { kernel, times: clocks }: { readonly kernel?: TrafficControlFacts; readonly times: readonly HostTime[] },
): FaultPlan {
  const { down, up, times } = flaps
  const how = kernel ? 'by filters of the kernel, on each host that sends there' : 'by the relays of the lab'
  return {
    steps: kernel
      ? kernel.senders.flatMap((sender) => {
          const origin = originOn(clocks, sender.network.host)
          return kernelSteps(context, sender, direction, { ...flaps, origin })
        })
      : [labStep(context, direction, flaps)],
    atOnce: true,
    effect: `The way ${direction.between.join(direction.oneWay ? ' → ' : ' ↔ ')} carries nothing for ${down}, then everything for ${up}, ${times > 0 ? `${times} times` : 'again and again'} (${how}).`,
    outage: [],
  }
}

/** One and the same moment on the clock of each host; undefined where one host is by itself. */
function originOn(clocks: readonly HostTime[], host: HostName): number | undefined {
  const [reference] = clocks
  const own = clocks.find((clock) => clock.host === host)
  if (!reference || !own || clocks.length === 1) return undefined
  return own.hostMs + (reference.runnerMs - own.runnerMs)
}

function kernelSteps(
  context: PlanContext,
  sender: SendingHost,
  direction: Direction,
  flaps: TimedFlaps,
): readonly FaultStep[] {
  const { tc, network } = sender
  const trees = treesOf(context, sender, direction, { isDown: true })
  const lines = (all: readonly string[]): Command => ({ script: BUILD, args: [tc, ...all] })
  return [
    {
      host: network.host,
      do: { command: lines(trees.flatMap((tree) => treeLines({ ...tree, hit: [] }))) },
      undo: takeAway(context, sender),
    },
    flapper(context, network.host, flaps, lines(trees.flatMap(hitLines)), lines(trees.flatMap(unhitLines))),
  ]
}

function labStep(context: PlanContext, direction: Direction, flaps: Flaps): FaultStep {
  const { environment, id } = context
  const heal = labVerb(environment, ['links', 'heal', '--id', id])
  const step = flapper(context, 'runner', flaps, sideBySide(ordersOnLinks(context, direction, { isDown: true })), heal)
  // No worker may cut again what was healed: they end first.
  const undo: Command = { script: `${commandLine(step.undo)} && ${commandLine(orLabGone(environment, heal))}` }
  return { ...step, undo }
}

function flapper(
  context: PlanContext,
  host: HostName,
  { down, up, times, origin }: TimedFlaps,
  goDown: Command,
  comeUp: Command,
): FaultStep {
  const hundredths = (ms: number): string => String(Math.round(ms / 10))
  const schedule = [
    hundredths(toMs(down)),
    hundredths(toMs(up)),
    String(times),
    origin === undefined ? '' : hundredths(origin),
  ]
  return workerStep(context, host, {
    program: FLAPPER,
    args: [...schedule, commandLine(goDown), commandLine(comeUp)],
    // It may wait for a whole turn, until its time has come.
    within: `${10_000 + toMs(down) + toMs(up)}ms`,
  })
}
