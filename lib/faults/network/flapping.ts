import { z } from 'zod'
import { eventually, toMs, type Duration } from '../../core/index.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { livingWorkers, noWorkers } from '../process/worker.ts'
import { usesRelays } from './links.ts'
import { confirmFlaps, confirmSteady, requireFast } from './traffic-control/confirm-flaps.ts'
import {
  directionParams,
  nameOfDirection,
  readBetween,
  type BetweenArguments,
  type DirectionOptions,
} from './traffic-control/direction.ts'
import { flappingHosts, hostTime, planFlaps, type HostTime } from './traffic-control/flap-plan.ts'
import { leafOf } from './traffic-control/leaf.ts'
import { lastingParam } from './traffic-control/params.ts'
import { probeBefore, type ProbedPath } from './traffic-control/probes.ts'
import {
  requireAsBefore,
  requireUsable,
  surveyTrafficControl,
  type TrafficControlFacts,
} from './traffic-control/survey.ts'

const SHORTEST_MS = 500
const LONGEST_MS = 60_000
/** What the command that brings a link up may take to end. */
const TOLD = { within: '5s', every: '100ms' } as const

const phase = lastingParam.refine(
  (value) => toMs(value) >= SHORTEST_MS && toMs(value) <= LONGEST_MS,
  'is from 500ms to 60s: shorter cannot be seen, longer is a partition',
)

const params = z.strictObject({ ...directionParams, down: phase, up: phase, times: z.int().min(0).max(100_000) })

interface FlapFacts {
  readonly paths: readonly ProbedPath[]
  readonly times: readonly HostTime[]
  readonly kernel?: TrafficControlFacts
}

/** The link goes down and up. */
export const flappingKind = defineFault<z.infer<typeof params>, FlapFacts>({
  kind: 'flapping',
  summary: 'The way between the data centres goes down and comes up, by turns.',
  params,
  capabilities: ['links'],
  blastRadius: 'link',
  target: nameOfDirection,
  affects: () => undefined,
  deadlines: (_environment, { down, up }) => ({
    survey: '60s',
    step: `${30_000 + toMs(down) + toMs(up)}ms`,
    confirm: `${30_000 + 4 * (toMs(down) + toMs(up))}ms`,
    confirmHealed: `${60_000 + toMs(down) + toMs(up)}ms`,
  }),

  async survey(context, flaps) {
    const kernel = usesRelays(context.environment) ? undefined : await surveyTrafficControl(context, flaps)
    for (const sender of kernel?.senders ?? []) {
      leafOf({ isDown: true }, { kernel: sender.kernel, host: sender.network.host, mtu: 1500 })
      requireUsable(sender)
    }
    const paths = await probeBefore(context, flaps, kernel?.sides)
    requireFast(paths, flaps)
    const times = kernel ? await Promise.all(flappingHosts(kernel).map((host) => hostTime(context, host))) : []
    return { paths, times, ...(kernel ? { kernel } : {}) }
  },

  plan: (context, flaps, facts) => planFlaps(context, flaps, flaps, facts),

  async confirm(context, flaps, { paths, kernel }) {
    const ways = await confirmFlaps(context, paths, flaps)
    const hosts = flappingHosts(kernel)
    // The link is seen to be up before the command that brought it up has ended, and the worker tells after that.
    const { value: turns } = await eventually(
      async () => {
        const workers = await Promise.all(hosts.map((host) => livingWorkers(context, host, 1)))
        const told = hosts.map((host, i): [string, number] => [host, Number(workers[i]?.[0]?.told || 0)])
        return told.every(([, count]) => count > 0)
          ? { done: true, value: Object.fromEntries(told) }
          : { done: false, seen: told.map(([host, count]) => `${count} on ${host}`).join(', ') }
      },
      { ...TOLD, signal: context.signal, describe: 'the worker of each host to tell that it brought the link up' },
    )
    return { evidence: { ways: [...ways], turns } }
  },

  async stillOn(context, _flaps, { kernel }) {
    await Promise.all(flappingHosts(kernel).map((host) => livingWorkers(context, host, 1)))
  },

  async confirmHealed(context, flaps, { paths, kernel }) {
    await Promise.all(flappingHosts(kernel).map((host) => noWorkers(context, host)))
    await Promise.all((kernel?.senders ?? []).map((sender) => requireAsBefore(context, sender)))
    return {
      evidence: {
        ...(kernel ? { trafficControlAsBefore: true } : {}),
        ...(await confirmSteady(context, paths, flaps)),
      },
    }
  },
})

/** Options of {@link flapping}. */
export interface FlappingOptions extends DirectionOptions {
  /** How long it carries nothing, from 500 ms to 60 s. It begins with this. */
  readonly down: Duration
  /** How long it carries everything in between, from 500 ms to 60 s. */
  readonly up: Duration
  /** How often it goes down; then it stays up. Default: for as long as the fault is on. */
  readonly times?: number
}

/**
 * A link that goes down and comes up by turns, to a tenth of a second. The hosts of both sides switch together, as far as
 * their clocks could be told apart (half of what asking them takes).
 */
export function flapping(...args: BetweenArguments<FlappingOptions>): Fault {
  const { direction, options } = readBetween(args)
  const { down, up, times } = options
  return flappingKind.with({ ...direction, down, up, times: times ?? 0 })
}
