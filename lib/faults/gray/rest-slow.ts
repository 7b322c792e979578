import { z } from 'zod'
import { eventually, formatMs, isDuration, now, toMs, type Duration } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext } from '../definition.ts'
import { FaultRefusedError, FaultTargetError } from '../errors.ts'
import { changedBetween, planOnPaths, usesRelays } from '../network/links.ts'

const SAMPLES = 5
/** What a management API and a busy machine may add, the factor that an answer of several pieces may take. */
const SLACK_MS = 250
const MOST = 3

/** The management API of a data centre answers late. */
export const restSlowKind = defineFault({
  kind: 'rest-slow',
  summary: 'The management API of a data centre answers rightly, and late.',
  params: z.strictObject({
    dc: dcParam,
    delay: z
      .custom<Duration>(isDuration, "is a length of time with its unit, as in '2s'")
      .refine((delay) => toMs(delay) > 0, 'is more than 0'),
  }),
  capabilities: ['links', 'management'],
  blastRadius: 'link',
  target: ({ dc }) => dc,
  affects: ({ dc }) => dc,
  deadlines: (_environment, { delay }) => ({ confirm: `${10_000 + toMs(delay) * MOST * (SAMPLES + 1)}ms` }),

  async survey(context, { dc }) {
    if (!usesRelays(context.environment)) {
      throw new FaultRefusedError(
        `rest-slow is refused: only the links of the embedded lab can slow what ${dc} answers to this machine and nobody else.`,
        {
          remedy: 'Put a slow proxy of your own in front of the management API, or test this in the embedded lab.',
          details: { missing: ['slow answers'] },
        },
      )
    }
    return { usualMs: await median(context, dc, '10s') }
  },

  plan: (context, { dc, delay }) => ({
    ...planOnPaths(
      context,
      [{ from: 'runner', to: dc, ports: ['management'] }],
      ['shape', '--delay', String(toMs(delay)), '--direction', 'backward'],
      `Every answer of the management API of ${dc} comes ${formatMs(toMs(delay))} later.`,
    ),
  }),

  async confirm(context, { dc, delay }, { usualMs }, injected) {
    const ms = await median(context, dc, `${10_000 + toMs(delay) * MOST}ms`)
    const grown = ms - usualMs
    if (grown < toMs(delay) * 0.9 || grown > toMs(delay) * MOST + SLACK_MS) {
      throw new FaultTargetError(
        `An answer of ${dc} should take about ${formatMs(toMs(delay))} longer than ${formatMs(usualMs)}; it takes ${formatMs(ms)}.`,
      )
    }
    const changed = changedBetween(injected)
    return {
      ...(changed ? { injected: changed } : {}),
      evidence: { usualMs: Math.round(usualMs), ms: Math.round(ms), grownMs: Math.round(grown) },
    }
  },

  async confirmHealed(context, { dc, delay }, { usualMs }) {
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

/**
 * Makes every answer of the management API of a data centre come later, on open connections and new ones (for which TLS takes as
 * much longer again). In the embedded lab; elsewhere it is refused.
 *
 * By the toolkit's rules: nothing happens, for the toolkit neither knows nor needs the management API. What is tested is whoever
 * watches through it: what is seen late must not pass for what happened late.
 */
export function restSlow(dc: DcRef, { delay }: { readonly delay: Duration }): Fault {
  return restSlowKind.with({ dc: nameOf(dc), delay })
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
