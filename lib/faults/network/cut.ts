import { setMaxListeners } from 'node:events'
import { z } from 'zod'
import { eventually, now, type Interval } from '../../core/index.ts'
import type { Confirmation, Evidence, FaultContext, InjectedSteps } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { changedBetween, PROBE_MS } from './links.ts'
import type { ProbeGroup } from './paths.ts'
import { askOpenPath, askPath, openPath, type OpenPath, type ProbePath } from './probe-paths.ts'

/** How a path is cut: `blackhole` swallows all in silence, `reset` ends connections. */
export const cutMode = z.enum(['blackhole', 'reset'])

/** See {@link cutMode}. */
export type CutMode = z.infer<typeof cutMode>

/** A path that answered before the fault, and how long that took, connecting included (milliseconds). */
export interface Answering {
  readonly path: ProbePath
  readonly tookMs: number
}

/** What is measured of a cut. */
export interface CutProbes {
  /** To be cut. */
  readonly cut: readonly Answering[]
  /** To stay whole. */
  readonly whole: readonly Answering[]
  /** Connections that were opened before the fault, on paths of both kinds. */
  readonly open: readonly OpenPath[]
}

/** What is to be measured of a cut. */
export interface ProbeOrder {
  /** Each must answer before the fault, on one way at least. */
  readonly cut: readonly ProbeGroup[]
  /** Measured as far as they answer before the fault. */
  readonly whole: readonly ProbeGroup[]
}

/**
 * How long a path between hosts must be silent to count as cut, beside what the way takes: TCP has then sent its first packet
 * again, after a second, so that neither a packet that was lost by chance nor a rule that was gone at once looks like a cut.
 */
const SILENCE_MS = 1100
/** Silence of this much more than the way takes is no answer; an answer may take this many times as long. */
const PATIENCE = 4
/** A server may be slow to answer what it has not been asked for a while. */
const ANSWER_MS = PROBE_MS * 5

/**
 * Tries every path and opens a connection on each that answers, for the question whether existing connections are hit, too.
 * @throws FaultTargetError if a path to be cut does not answer now: a fault on it would prove nothing
 */
export async function openCutProbes(context: FaultContext, order: ProbeOrder): Promise<CutProbes> {
  expectMany(context)
  const tried = async (groups: readonly ProbeGroup[], isNeeded: boolean): Promise<readonly Answering[]> => {
    const found = await Promise.all(
      groups.map((group) => answering(context, group, isNeeded && group.isOptional !== true)),
    )
    // Groups may share a way.
    return [...new Map(found.flat().map((one) => [one.path.id, one])).values()]
  }
  const [cut, whole] = await Promise.all([tried(order.cut, true), tried(order.whole, false)])
  if (cut.length === 0) {
    throw new FaultTargetError(
      'There is nothing to measure the fault by: no path that it cuts can be tried from here.',
      {
        remedy: 'Give the environment links between the data centres, and a host with a shell at one side at least.',
      },
    )
  }
  const opening = [...cut, ...whole].map(({ path }) => openPath(context, path, ANSWER_MS))
  const opened = await Promise.allSettled(opening)
  const open = opened.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  const failed = opened.find((one) => one.status === 'rejected')
  if (failed) {
    closeCutProbes({ cut, whole, open })
    throw failed.reason
  }
  return { cut, whole, open }
}

async function answering(context: FaultContext, group: ProbeGroup, isNeeded: boolean): Promise<readonly Answering[]> {
  const tried = await Promise.all(
    group.candidates.map(async (path) => {
      // What does not speak the one may speak the other.
      const other = { ...path, request: path.request === 'tls' ? 'http' : 'tls' } as const
      const first = await timed(context, path)
      return first.tookMs === undefined ? timed(context, other) : first
    }),
  )
  const found = tried.flatMap(({ path, tookMs }) => (tookMs === undefined ? [] : { path, tookMs }))
  if (found.length > 0 || !isNeeded) return found
  throw new FaultTargetError(
    `${group.what} does not answer before the fault: ${tried.map(({ path, outcome }) => `${path.id} is ${outcome}`).join(', ')}.`,
    { remedy: 'Heal what is on it, or wait until the far side is up.' },
  )
}

async function timed(
  context: FaultContext,
  path: ProbePath,
): Promise<{ readonly path: ProbePath; readonly outcome: string; readonly tookMs: number | undefined }> {
  const from = now()
  const { outcome } = await askPath(context, path, ANSWER_MS)
  return { path, outcome, tookMs: outcome === 'answered' ? now() - from : undefined }
}

/** What a cut is said to be. */
export interface CutClaim {
  readonly mode: CutMode
  /** When the rules on hosts took effect on all paths, as far as their steps tell; not there where relays were cut. */
  readonly effect?: (injected: InjectedSteps) => Interval | undefined
  readonly evidence: Evidence
}

/**
 * Confirms that the paths are cut in the way that they should be, on connections that were open before and on new ones, and that
 * the others are whole.
 * @throws FaultTargetError naming each path that says otherwise
 */
export async function confirmCut(
  context: FaultContext,
  { cut, whole, open }: CutProbes,
  injected: InjectedSteps,
  { mode, effect, evidence }: CutClaim,
): Promise<Confirmation> {
  expectMany(context)
  const wanted = { blackhole: 'silent', reset: 'reset' }[mode]
  // A relay repeats nothing.
  const silence = effect ? SILENCE_MS : PROBE_MS
  const measured = async (over: string, { path, tookMs }: Answering, want: string, ask: Ask) => {
    const patience = PATIENCE * tookMs + (want === 'answered' ? ANSWER_MS : silence)
    const from = now()
    const { outcome } = await ask(patience)
    return { path: path.id, over, outcome, want, tookMs: Math.round(now() - from) }
  }
  const all = [...cut.map((one) => ({ one, want: wanted })), ...whole.map((one) => ({ one, want: 'answered' }))]
  const rows = await Promise.all(
    all.flatMap(({ one, want }) => [
      ...open
        .filter(({ path }) => path.id === one.path.id)
        .map((earlier) => measured('open connection', one, want, (ms) => askOpenPath(context, earlier, ms))),
      measured('new connection', one, want, (ms) => askPath(context, one.path, ms)),
    ]),
  )
  const wrong = rows.filter(({ outcome, want }) => outcome !== want)
  if (wrong.length > 0) {
    throw new FaultTargetError(
      `Not as it should be: ${wrong.map(({ path, over, outcome, want }) => `${path} is ${outcome} on ${over}, not ${want}`).join(', ')}.`,
    )
  }
  const at = effect?.(injected) ?? changedBetween(injected)
  return {
    ...(at ? { injected: at } : {}),
    evidence: {
      ...evidence,
      probes: rows.map(({ path, over, outcome, tookMs }): Evidence => ({ link: path, over, outcome, tookMs })),
    },
  }
}

type Ask = (withinMs: number) => Promise<{ readonly outcome: string }>

/** Waits until every path that was cut answers on a new connection. */
export async function confirmWhole(context: FaultContext, { cut }: CutProbes): Promise<Confirmation> {
  expectMany(context)
  await eventually(
    async () => {
      const answers = await Promise.all(
        cut.map(async ({ path, tookMs }) => ({
          path,
          ...(await askPath(context, path, PROBE_MS * 2 + PATIENCE * tookMs)),
        })),
      )
      const mute = answers.filter(({ outcome }) => outcome !== 'answered')
      return mute.length === 0
        ? { done: true, value: true }
        : { done: false, seen: mute.map(({ path, outcome }) => `${path.id} is ${outcome}`).join(', ') }
    },
    { within: '20s', every: '50ms', signal: context.signal, describe: 'all paths that were cut to answer again' },
  )
  return { evidence: { answering: cut.map(({ path }) => path.id) } }
}

/** All probes of a phase listen to its one signal, all at once: as many as there are paths. */
function expectMany({ signal }: FaultContext): void {
  setMaxListeners(0, signal)
}

/** Lets go of what {@link openCutProbes} opened. */
export function closeCutProbes({ open }: CutProbes): void {
  for (const { stream } of open) stream.destroy()
}
