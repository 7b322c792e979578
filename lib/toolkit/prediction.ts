import type { Duration } from '../core/index.ts'
import { snapshotCadence } from './cadence.ts'
import type { ToolkitConfiguration } from './configuration.ts'
import { spanner, succession, workSpan, type PredictedSpan } from './predicted-span.ts'
import { resolveTolerance, type Tolerance, type ToleranceOptions } from './tolerance.ts'

/** The keys of a toolkit configuration that decide its timing, in configured seconds. */
export type ToolkitTiming = Pick<
  ToolkitConfiguration,
  | 'crossDCOperationMode'
  | 'crossDCInitDelay'
  | 'heartbeatExchangeInterval'
  | 'consecutiveHeartbeatMissesAllowed'
  | 'dataSnapshotExchangeInterval'
>

/** What the toolkit's own rules lead one to expect. Plain JSON; all lengths in real milliseconds. */
export type Prediction = {
  readonly timeScale: number
  readonly tolerance: Tolerance
  readonly mode: 'active-active' | 'active-passive'
  /** Peer crash → the survivor declares it down. */
  readonly detectionAfterCrash: PredictedSpan
  /** Last heartbeat received → declared down. */
  readonly detectionAfterLastHeartbeat: PredictedSpan
  /** Declared down → the last piece of state handed over (active/passive: the launched application runs). */
  readonly takeover: PredictedSpan
  /** Peer crash → the last piece of state handed over. */
  readonly takeoverAfterCrash: PredictedSpan
  /** Peer crash → first output of the work that was the peer's. */
  readonly rto: PredictedSpan
  /** Start of the later data centre → both see each other up. */
  readonly firstContact: PredictedSpan
  /** Start of a returning data centre → the survivor sees it up. */
  readonly returnSeen: PredictedSpan
  /** Start of a returning data centre → it sees the survivor up, if that had declared it down. */
  readonly peerResumes: PredictedSpan
  /** Symmetric partition → each side declares the other down. */
  readonly splitBrain: PredictedSpan
  /** One-way loss → the deaf side declares the other down. */
  readonly oneWayFirst: PredictedSpan
  /** The deaf side's declaration (it falls silent) → the other side's. */
  readonly oneWaySecondAfterFirst: PredictedSpan
  /** One-way loss → both have declared each other down. */
  readonly oneWayBoth: PredictedSpan
  /** Orderly shutdown → the peer declares it down. Pieces of state: none. */
  readonly orderlyShutdown: PredictedSpan
  /**
   * A silence (outage → next heartbeat sent that gets through, so a restart's init delay counts) shorter than `lowerMs` is never
   * seen, one longer than `upperMs` always.
   */
  readonly invisibleOutage: PredictedSpan
  /** The same for the length of a link cut, after which the next heartbeat may take another period. */
  readonly invisibleCut: PredictedSpan
  /** Age of the replicated state at the instant of a crash, once replication is going. */
  readonly stateAge: PredictedSpan
  /** Ticks between snapshots; 0: never (passive), or the toolkit fails. */
  readonly snapshotEveryTicks: number
  /** Tick of the first snapshot after a start (1-based); 0: never. */
  readonly firstSnapshotTick: number
  /** Start of the sender → its first snapshot signal, if the peer is up by then. */
  readonly firstSnapshot: PredictedSpan
  /** What a reader should know before using the numbers. */
  readonly notes: readonly string[]
}

/** Options of {@link predict}. */
export interface PredictOptions {
  /** Real seconds per configured second; 1 on a real system. */
  readonly timeScale?: number
  readonly tolerance?: Duration | ToleranceOptions
  /** Configuration of the data centre that fails, where it differs from the survivor's. */
  readonly peer?: ToolkitTiming
}

/**
 * The envelope of what the toolkit does, from the survivor's configuration (and its peer's). Pure.
 *
 * The survivor counts its *own* ticks; the sender's period decides how old the last heartbeat is at a crash. With equal periods
 * the formulas are those of the toolkit reference §8.
 */
export function predict(survivor: ToolkitTiming, options: PredictOptions = {}): Prediction {
  const timeScale = options.timeScale ?? 1
  const tolerance = resolveTolerance(options.tolerance)
  const victim = options.peer ?? survivor
  const passive = survivor.crossDCOperationMode === 0 || victim.crossDCOperationMode === 0
  const span = spanner(tolerance)
  const own = inMs(survivor, timeScale)
  const peer = inMs(victim, timeScale)
  const cadence = passive
    ? undefined
    : snapshotCadence(victim.heartbeatExchangeInterval, victim.dataSnapshotExchangeInterval)
  const every = cadence?.everyTicks ?? 0
  const first = cadence?.firstTick ?? 0

  const silence = {
    lowerMs: Math.max(0, own.misses * own.period - peer.period),
    upperMs: (own.misses + 1) * own.period,
  }
  const opposite = {
    lowerMs: Math.max(0, peer.misses * peer.period - own.period),
    upperMs: (peer.misses + 1) * peer.period,
  }
  const noticed = (formula: string, rule: string): PredictedSpan =>
    span({ exact: silence, early: { ticks: 1 }, late: { ticks: own.misses + 1, transfers: 1 }, formula, rule })
  const detection = noticed('crash → DOWN = ((M−1)·P, (M+1)·P)', '§8')
  const handover = passive
    ? workSpan(tolerance.launchMs, 'DOWN → launched application runs = script and submission', '§11 S14')
    : workSpan(tolerance.takeoverMs, 'DOWN → last piece handed over = reading the stored snapshots', '§9')
  const takeoverAfterCrash = succession(detection, handover, 'crash → last piece = detection + takeover', '§8, §9')
  const output = workSpan(tolerance.firstOutputMs, 'takeover → first output = redirect and application', '§2')
  const deaf = noticed('one-way loss → deaf side declares DOWN = ((M−1)·P, (M+1)·P)', '§11 S8')
  const second = span({
    exact: opposite,
    early: { ticks: 1 },
    late: { ticks: peer.misses + 1, transfers: 1 },
    formula:
      'first DOWN → second DOWN = ((M−1)·P, (M+1)·P), the last heartbeat being up to P older than the first DOWN',
    rule: '§11 S8',
  })
  return {
    timeScale,
    tolerance,
    mode: passive ? 'active-passive' : 'active-active',
    detectionAfterCrash: detection,
    detectionAfterLastHeartbeat: span({
      exact: { lowerMs: own.misses * own.period, upperMs: (own.misses + 1) * own.period },
      late: { ticks: own.misses + 1 },
      formula: 'last heartbeat → DOWN = (M·P, (M+1)·P]',
      rule: '§8',
    }),
    takeover: handover,
    takeoverAfterCrash,
    rto: succession(takeoverAfterCrash, output, 'crash → first output = detection + takeover + redirect', '§8, §9'),
    firstContact: span({
      exact: {
        lowerMs: Math.min(own.init, peer.init),
        upperMs: Math.max(own.init, peer.init, own.period, peer.period),
      },
      late: { ticks: 1, transfers: 1 },
      formula: 'later start → both see each other up = [D, max(D, P)]',
      rule: '§11 S1',
    }),
    returnSeen: span({
      exact: { lowerMs: peer.init, upperMs: peer.init },
      late: { transfers: 1 },
      formula: 'return → survivor sees it up = D',
      rule: '§8',
    }),
    peerResumes: span({
      exact: { lowerMs: peer.init, upperMs: peer.init + own.period },
      late: { ticks: 1, transfers: 2 },
      formula: 'return → it sees the survivor up = (D, D + P]',
      rule: '§8',
    }),
    splitBrain: span({
      exact: {
        lowerMs: Math.min(silence.lowerMs, opposite.lowerMs),
        upperMs: Math.max(silence.upperMs, opposite.upperMs),
      },
      early: { ticks: 1 },
      late: { ticks: Math.max(own.misses, peer.misses) + 1, transfers: 1 },
      formula: 'partition → DOWN, at each side = ((M−1)·P, (M+1)·P)',
      rule: '§11 S5',
    }),
    oneWayFirst: deaf,
    oneWaySecondAfterFirst: second,
    oneWayBoth: succession(deaf, second, 'one-way loss → both DOWN = (2(M−1)·P, 2(M+1)·P)', '§11 S8'),
    orderlyShutdown: noticed(
      'shutdown → DOWN = ((M−1)·P, (M+1)·P), i.e. (M·P, (M+1)·P] after the last heartbeat; no pieces',
      '§11 S10',
    ),
    invisibleOutage: span({
      exact: silence,
      early: { ticks: 1, transfers: 1 },
      late: { ticks: own.misses + 1, transfers: 1 },
      formula: 'silence is never seen if shorter than (M−1)·P, always if longer than (M+1)·P',
      rule: '§8, §11 S4',
    }),
    invisibleCut: span({
      exact: silence,
      // Which of two ticks that nearly coincide comes first decides over a whole period.
      early: { ticks: 2, transfers: 1, lessMs: peer.period },
      late: { ticks: own.misses + 1, transfers: 1 },
      formula: 'a cut is never seen if shorter than (M−1)·P, always if longer than (M+1)·P',
      rule: '§8, §11 S9',
    }),
    stateAge: span({
      exact: { lowerMs: 0, upperMs: every * peer.period },
      late: { ticks: every, transfers: 1 },
      formula: `age of the replicated state = [0, E·P], with a snapshot every E = ${every} ticks`,
      rule: '§7',
    }),
    snapshotEveryTicks: every,
    firstSnapshotTick: first,
    firstSnapshot: span({
      exact: { lowerMs: peer.init + toFirst(first) * peer.period, upperMs: peer.init + toFirst(first) * peer.period },
      late: { ticks: toFirst(first) },
      formula: `start → first snapshot = D + (F − 1)·P, at tick F = ${first}`,
      rule: '§7',
    }),
    notes: notesOn(survivor, victim, passive, cadence !== undefined),
  }
}

function inMs(timing: ToolkitTiming, timeScale: number): { period: number; init: number; misses: number } {
  const second = timeScale * 1000
  return {
    period: timing.heartbeatExchangeInterval * second,
    init: timing.crossDCInitDelay * second,
    misses: timing.consecutiveHeartbeatMissesAllowed,
  }
}

const toFirst = (tick: number): number => Math.max(0, tick - 1)

function notesOn(
  survivor: ToolkitTiming,
  victim: ToolkitTiming,
  passive: boolean,
  cadence: boolean,
): readonly string[] {
  const notes: string[] = []
  if (passive) notes.push('Active/passive: the toolkit only tells; how long the launch script takes is an assumption.')
  if (!passive && !cadence) notes.push('The snapshot interval is below one second: the toolkit divides by zero.')
  if (survivor.consecutiveHeartbeatMissesAllowed >= 255) {
    notes.push('255 misses are never exceeded by an 8-bit counter: a lost peer is never declared down.')
  }
  const patience = survivor.consecutiveHeartbeatMissesAllowed * survivor.heartbeatExchangeInterval
  if (victim.heartbeatExchangeInterval > patience) {
    notes.push('The peer sends more slowly than the survivor is patient: it will be declared down while it lives.')
  }
  return notes
}
