import { z } from 'zod'
import { duration, instant, interval, span } from './event-parts.ts'

/** The two data centres of a drill. */
export const dcName = z.enum(['east', 'west'])

/** The two data centres of a drill. */
export type DcName = z.infer<typeof dcName>

const verdict = z.enum(['pass', 'fail', 'inconclusive'])

/**
 * The envelope that the toolkit's own rules give from its configuration (lib/toolkit `predict`). Spans are real milliseconds;
 * what a pair's configuration does not determine is absent. More members are kept as they are.
 */
export const storedPrediction = z.looseObject({
  /** From the crash of a peer to the survivor's notice of it. */
  detectionAfterCrash: span.optional(),
  /** From the last heartbeat that arrived to the notice that the peer is down. */
  detectionAfterLastHeartbeat: span.optional(),
  /** From that notice until all replicated pieces have been handed over. */
  takeover: span.optional(),
  /** From the crash of a peer until all replicated pieces have been handed over. */
  takeoverAfterCrash: span.optional(),
  /** From the crash of a peer to the first output of its work at the survivor. */
  rto: span.optional(),
  /** From the restart of a data centre until its peer sees it up. */
  returnSeen: span.optional(),
  /** Age of the replicated state at the time of a crash. */
  stateAge: span.optional(),
  /** By how much a measured interval may leave the predicted one on either side beyond the bounds given, in milliseconds. */
  toleranceMs: duration.default(0),
})

/** See {@link storedPrediction}. */
export type StoredPrediction = z.infer<typeof storedPrediction>

/** What the environment has agreed to. */
export const objectives = z.object({
  rtoMs: duration.optional(),
  rpo: z.object({ tuples: z.int().nonnegative(), stateAgeMs: duration.optional() }).optional(),
  /** From the beginning of a heal until both data centres see each other up again. */
  rejoinMs: duration.optional(),
})

/** What the application promises about delivery. */
export const deliveryContract = z.object({
  delivery: z.enum(['at-most-once', 'at-least-once', 'exactly-once']),
  /** Tuples of one key come out in the order in which they were sent. */
  ordered: z.boolean(),
  /** Time within which an acknowledged tuple must have reached a tap. */
  settleMs: duration.default(1000),
  /** How many tuples of unknown fate (tap overrun, in flight at the end) a verdict may carry. */
  maxUnknown: z.int().nonnegative().default(0),
  /** A tuple that shows up later than this after it was sent is late, unless an outage explains it. Absent: not judged. */
  lateAfterMs: duration.optional(),
})

/** What the application promises about delivery. */
export type DeliveryContract = z.infer<typeof deliveryContract>

const drillStarted = z.object({
  type: z.literal('drill-started'),
  at: instant,
  /** The zero of the drill's own clock, on the machine's monotonic clock. */
  origin: instant,
  /** Milliseconds since the epoch at `origin`: a label. */
  wall: z.number(),
  run: z.string(),
  name: z.string(),
  file: z.string(),
  environment: z.string(),
  target: z.enum(['embedded', 'containers', 'live']),
  mode: z.enum(['active-active', 'active-passive']),
  roles: z.object({ victim: dcName, survivor: dcName }),
  objectives,
  contract: deliveryContract,
  /** Toolkit configuration per data centre, by key, without secrets. */
  toolkit: z.partialRecord(dcName, z.record(z.string(), z.json())).default({}),
  prediction: storedPrediction.nullable().default(null),
  timeScale: z.number().positive().default(1),
  seed: z.number(),
  defects: z.array(z.string()).optional(),
})

const phase = z.object({ type: z.literal('phase'), at: instant, phase: z.string(), detail: z.string().optional() })

/** States of a fault in the order of its life; `failed` comes instead of any of them. */
export const faultState = z.enum(['planned', 'armed', 'injected', 'confirmed', 'healing', 'healed', 'failed'])

const fault = z.object({
  type: z.literal('fault'),
  at: interval,
  id: z.string(),
  kind: z.string(),
  /** What it was aimed at, for a reader. */
  target: z.string(),
  params: z.json().default({}),
  state: faultState,
  detail: z.string().optional(),
  /** The data centre whose service the fault takes away, if it does. */
  affects: dcName.optional(),
})

/**
 * The service of a data centre's own work stopped at `at`. Its end may come in a later event with the same `dc` and `at`, to
 * which `ends` was added.
 */
const outage = z.object({
  type: z.literal('outage'),
  at: interval,
  dc: dcName,
  reason: z.string(),
  /** Id of the fault that caused it. */
  fault: z.string().optional(),
  ends: interval.optional(),
})

/**
 * Something seen at a data centre. Subjects that checkers read: `peer-view` (`never-seen` | `up` | `down`: what this data
 * centre thinks of the other), `takeover` (number of pieces), `job`, `pe`, `instance`, `service` (health), `heartbeats`,
 * `snapshots`, `relaunch`, `shutdown`.
 */
const observation = z.object({
  type: z.literal('observation'),
  at: interval,
  dc: dcName,
  subject: z.string(),
  value: z.union([z.string(), z.number(), z.boolean()]),
  /** What it rests on, e.g. `metrics`, `trace`, `health`, `data-plane`. */
  evidence: z.string().default(''),
  detail: z.string().optional(),
})

/** What the two views together mean. */
export const pairState = z.enum([
  'never-seen',
  'normal',
  'peer-crashed',
  'one-way-loss',
  'split-brain',
  'stuck-split-brain',
  'restarting',
  'orderly-shutdown',
  'unknown',
])

/** What the two views together mean. */
export type PairState = z.infer<typeof pairState>

const pair = z.object({ type: z.literal('pair'), at: interval, state: pairState, evidence: z.string().default('') })

/** The stages of a recovery. */
export const stageName = z.enum(['detection', 'takeover', 'first-output', 'steady'])

const stage = z.object({
  type: z.literal('stage'),
  at: interval,
  stage: stageName,
  dc: dcName.optional(),
  evidence: z.string().optional(),
})

/** The survivor has taken over: `at` is when it had handed over the last piece, `detection` when it noticed. */
const takeover = z.object({
  type: z.literal('takeover'),
  at: interval,
  survivor: dcName,
  detection: interval.optional(),
  /** How many replicated pieces it took over; absent if not known. */
  snapshots: z.int().nonnegative().optional(),
  evidence: z.string().default(''),
})

const tap = z.object({
  type: z.literal('tap'),
  at: interval,
  dc: dcName,
  event: z.enum(['started', 'up', 'down', 'overrun', 'stopped']),
  /** For `overrun`: how many tuples the buffer dropped unread. */
  dropped: z.int().nonnegative().optional(),
  reason: z.string().optional(),
})

/**
 * `steady`: all that was offered between the bounds of `at` was acknowledged and seen. `redirected`: work of `home` now goes to
 * `to`. `saturated`: `count` tuples were given up unsent because the generator could not keep its schedule.
 */
const traffic = z.object({
  type: z.literal('traffic'),
  at: interval,
  event: z.enum(['started', 'steady', 'redirected', 'failback', 'saturated', 'stopped', 'drained', 'worker-died']),
  /** Tuples per second asked for (`started`). */
  rate: z.number().nonnegative().optional(),
  batchEveryMs: duration.optional(),
  pollEveryMs: duration.optional(),
  home: dcName.optional(),
  from: dcName.optional(),
  to: dcName.optional(),
  forMs: duration.optional(),
  count: z.int().nonnegative().optional(),
  detail: z.string().optional(),
})

/** Lateness of the generator against its schedule, or delay of an event loop, over the time `at`. */
const lag = z.object({
  type: z.literal('lag'),
  at: interval,
  kind: z.enum(['lateness', 'event-loop']),
  /** Who was late: `injector`, `tap`, `runner`. */
  source: z.string(),
  meanMs: duration,
  p99Ms: duration.optional(),
  maxMs: duration,
  count: z.int().nonnegative().optional(),
})

/** A validity gate that was checked while the drill ran (leftovers, monitor, …). The last one of a name counts. */
const gate = z.object({ type: z.literal('gate'), at: instant, name: z.string(), verdict, detail: z.string() })

/**
 * A spec says what a check will say, e.g. `{ check: 'split-brain', verdict: 'fail', because: 'the network was cut' }`. The
 * finding itself is not changed; the drill's verdict takes it into account.
 */
const expectation = z.object({
  type: z.literal('expectation'),
  at: instant,
  /** Name of the checker, e.g. `takeover`, `split-brain`, `rpo`. */
  check: z.string(),
  verdict,
  because: z.string(),
})

/** True instants of a lab on the drill's clock (zero at `origin`), in milliseconds; null for what did not happen. */
export const groundTruthShape = z.object({
  outageMs: z.number().nullable(),
  detectionMs: z.number().nullable(),
  takeoverMs: z.number().nullable(),
  firstOutputMs: z.number().nullable(),
  rtoMs: z.number().nullable(),
})

/** See {@link groundTruthShape}. */
export type GroundTruth = z.infer<typeof groundTruthShape>

const truth = z.object({ type: z.literal('truth'), at: instant, ...groundTruthShape.shape })

const interrupted = z.object({ type: z.literal('interrupted'), at: instant, reason: z.string() })

const drillEnded = z.object({
  type: z.literal('drill-ended'),
  at: instant,
  outcome: z.enum(['passed', 'failed', 'skipped', 'interrupted']),
  detail: z.string().optional(),
})

/** One line of `history.jsonl`. Instants are milliseconds on the machine's monotonic clock. */
export const historyEvent = z.discriminatedUnion('type', [
  drillStarted,
  phase,
  fault,
  outage,
  observation,
  pair,
  stage,
  takeover,
  tap,
  traffic,
  lag,
  gate,
  expectation,
  truth,
  interrupted,
  drillEnded,
])

/** An event as it is read back: defaults filled in. */
export type HistoryEvent = z.infer<typeof historyEvent>

/** An event as it is written: what has a default may be left out. */
export type HistoryEventInput = z.input<typeof historyEvent>

/** The first event of every history. */
export type DrillStarted = z.infer<typeof drillStarted>

/** Events of one type. */
export type EventOf<Type extends HistoryEvent['type']> = Extract<HistoryEvent, { type: Type }>
