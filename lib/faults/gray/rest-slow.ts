import { z } from 'zod'
import { eventually, formatMs, isDuration, now, toMs, type Duration } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { changedBetween, planOnPaths, usesRelays } from '../network/links.ts'
import { withoutUndefined } from '../network/options.ts'
import { impairAnswers, surveyAnswers } from '../network/traffic-control/answers.ts'
import type { Impairment } from '../network/traffic-control/impairment.ts'
import { requireAsBefore, type Sender } from '../network/traffic-control/survey.ts'

const SAMPLES = 5
/** What a management API and a busy machine may add, the factor that an answer of several pieces may take. */
const SLACK_MS = 250
const MOST = 3

/** What the survey found: how long an answer usually takes, and the hosts where no relays are. */
interface RestSlowFacts {
  readonly usualMs: number
  readonly senders?: readonly Sender[]
}

/** The management API of a data centre answers late. */
export const restSlowKind = defineFault({
  kind: 'rest-slow',
  summary: 'The management API of a data centre answers rightly, and late.',
  params: z.strictObject({
    dc: dcParam,
    delay: z
      .custom<Duration>(isDuration, "is a length of time with its unit, as in '2s'")
      .refine((delay) => toMs(delay) > 0, 'is more than 0'),
    port: z.int().min(1).max(65_535).exactOptional(),
  }),
  capabilities: ['links', 'management'],
  blastRadius: 'link',
  target: ({ dc }) => dc,
  affects: ({ dc }) => dc,
  deadlines: (_environment, { delay }) => ({
    survey: '60s',
    confirm: `${10_000 + toMs(delay) * MOST * (SAMPLES + 1)}ms`,
  }),

  async survey(context, { dc, delay }): Promise<RestSlowFacts> {
    const senders = usesRelays(context.environment) ? undefined : await surveyAnswers(context, dc, slowBy(delay))
    return { usualMs: await median(context, dc, '10s'), ...(senders ? { senders } : {}) }
  },

  plan(context, { dc, delay, port }, { senders }) {
    const effect = `Every answer of the management API of ${dc} to this machine comes ${formatMs(toMs(delay))} later.`
    if (senders) {
      const steps = impairAnswers(context, senders, [port ?? portOf(context, dc)], slowBy(delay))
      return { steps, effect: `${effect} (by netem of the kernel, on each host of ${dc})`, outage: [] }
    }
    return planOnPaths(
      context,
      [{ from: 'runner', to: dc, ports: ['management'] }],
      ['shape', '--delay', String(toMs(delay)), '--direction', 'backward'],
      effect,
    )
  },

  async confirm(context, { dc, delay, port }, { usualMs, senders }, injected) {
    const ms = await median(context, dc, `${10_000 + toMs(delay) * MOST}ms`)
    const grown = ms - usualMs
    if (grown < toMs(delay) * 0.9 || grown > toMs(delay) * MOST + SLACK_MS) {
      throw new FaultTargetError(
        `An answer of ${dc} should take about ${formatMs(toMs(delay))} longer than ${formatMs(usualMs)}; it takes ${formatMs(ms)}.`,
        senders && {
          remedy: `The hosts of ${dc} slow what they send from their port ${port ?? portOf(context, dc)} to where SSH comes from. Name another \`port\` if the API listens at another one there; a proxy in between cannot be slowed.`,
        },
      )
    }
    const changed = senders ? undefined : changedBetween(injected)
    return {
      ...(changed ? { injected: changed } : {}),
      evidence: { usualMs: Math.round(usualMs), ms: Math.round(ms), grownMs: Math.round(grown) },
    }
  },

  async confirmHealed(context, { dc, delay }, { usualMs, senders = [] }) {
    for (const sender of senders) await requireAsBefore(context, sender)
    const most = usualMs + Math.max(SLACK_MS, toMs(delay) / 2)
    const back = await eventually(
      async () => {
        const ms = await median(context, dc, '10s')
        return ms <= most && ms < usualMs + toMs(delay)
          ? { done: true, value: ms }
          : { done: false, seen: `an answer takes ${formatMs(ms)}, usually ${formatMs(usualMs)}` }
      },
      { within: '45s', every: '20ms', signal: context.signal, describe: `${dc} to answer as fast as before` },
    )
    return { evidence: { usualMs: Math.round(usualMs), ms: Math.round(back.value) } }
  },
})

/** Options of {@link restSlow}. */
export interface RestSlowOptions {
  readonly delay: Duration
  /** Where the API listens on its hosts, if this machine connects to another port (forwarded, say). Not in the embedded lab. */
  readonly port?: number
}

/**
 * Makes every answer of the management API of a data centre to this machine come later, on open connections and new ones (for which
 * TLS takes as much longer again): in the embedded lab by its links, elsewhere by traffic control (netem) on the hosts of the data
 * centre, for what they send from that port to where SSH comes from. Not where a management network exempts this machine.
 *
 * By the toolkit's rules: nothing happens, for the toolkit neither knows nor needs the management API. What is tested is whoever
 * watches through it: what is seen late must not pass for what happened late.
 */
export function restSlow(dc: DcRef, { delay, ...rest }: RestSlowOptions): Fault {
  return restSlowKind.with({ dc: nameOf(dc), delay, ...withoutUndefined(rest) })
}

function slowBy(delay: Duration): Impairment {
  return { delay: { delayMs: toMs(delay), jitterMs: 0 } }
}

/** The port of the management API, as this machine connects to it. */
function portOf({ environment }: Pick<FaultContext, 'environment'>, dc: DcName): number {
  const { port, protocol } = new URL(environment.dcs[dc].management.url)
  return port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
}

/** How long an answer takes over a connection that is open, in milliseconds: the median of some. */
async function median(context: FaultContext, dc: DcName, within: Duration): Promise<number> {
  const { management } = context.clients[dc]
  const options = { attempts: 1, within, signal: context.signal } as const
  // The first may have to open a connection.
  await management.root(options)
  const times: number[] = []
  for (let i = 0; i < SAMPLES; i++) {
    const from = now()
    await management.root(options)
    times.push(now() - from)
  }
  return times.toSorted((a, b) => a - b)[Math.floor(SAMPLES / 2)] ?? Number.NaN
}
