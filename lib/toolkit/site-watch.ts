import { now, toMs, withDeadline, type Duration } from '../core/index.ts'
import type { ManagementClient } from '../streams/index.ts'
import { jobState } from './job-state.ts'
import type { Observation } from './observation.ts'
import { poll } from './poller.ts'
import { readSample } from './sample.ts'
import { failureOf } from './site-failure.ts'
import type { ProbedService, SiteTrack } from './site-track.ts'
import { TraceTrack } from './trace-lines.ts'

/** Calls of the management client that the monitor makes. */
export type WatchedManagement = Pick<ManagementClient, 'metricsSnapshot' | 'jobs' | 'pes' | 'applicationTrace'>

/** Says whether a service is there: resolves with true, or with false or an error. */
export type Probe = (signal: AbortSignal) => Promise<boolean>

/** One data centre to watch. */
export interface WatchedDc {
  readonly management: WatchedManagement
  /** Name of the application's job. */
  readonly job: string
  /** Is the data service there? */
  readonly data?: Probe | undefined
  /** Do the receivers of the other data centre's messages listen? */
  readonly crossDcPorts?: Probe | undefined
}

/** Options of {@link watchSite}. */
export interface SiteWatchOptions extends WatchedDc {
  readonly track: SiteTrack
  readonly operatorPrefix: string
  readonly every: Duration
  readonly probeEvery: Duration
  readonly requestWithin: Duration
  /** Traces are read once the toolkit's metrics have been missing for this long. */
  readonly tracesAfter: Duration
  readonly signal: AbortSignal
  /** Called after every cycle, with what was new. */
  readonly onCycle: (news: readonly Observation[]) => void
}

/** Polls one data centre into its track, independently of the other, until the signal ends it. */
export async function watchSite(options: SiteWatchOptions): Promise<void> {
  const { signal, track } = options
  const names = new Map<string, string>()
  const traces = new Map<string, TraceTrack>()
  const loops = [poll({ everyMs: toMs(options.every), signal, cycle: () => cycle() })]
  const probes: readonly (readonly [ProbedService, Probe | undefined])[] = [
    ['data-service', options.data],
    ['cross-dc-ports', options.crossDcPorts],
  ]
  for (const [service, probe] of probes) {
    if (probe) loops.push(poll({ everyMs: toMs(options.probeEvery), signal, cycle: () => probing(service, probe) }))
  }
  let tracesAsked = 0
  let metricsSeen = now()

  async function cycle(): Promise<void> {
    const asked = now()
    try {
      // One try: a retry would hide how long the service was silent, and the next cycle is one anyway.
      const snapshot = await bounded('metrics', (within) =>
        options.management.metricsSnapshot({ within, attempts: 1, signal }),
      )
      if (snapshot.jobs.some(({ id, name }) => name === undefined && !names.has(id))) await learnNames()
      const selector = { job: options.job, operatorPrefix: options.operatorPrefix, names }
      const sample = readSample(snapshot, selector)
      options.onCycle(track.answer(sample))
      // A PE that was just launched has no metrics yet, and an old trace.
      if (sample.counters.statusChanges || jobState(sample.application?.pes) !== 'running') metricsSeen = now()
      const missing = now() - metricsSeen >= toMs(options.tracesAfter)
      if (sample.application && missing) await readTraces(sample.application.id)
    } catch (error) {
      metricsSeen = now()
      if (!signal.aborted) options.onCycle(track.failure(failureOf(error, asked, now())))
    }
  }

  async function learnNames(): Promise<void> {
    const jobs = await bounded('jobs', (within) =>
      options.management.jobs({ fields: ['id', 'name'], within, attempts: 1, signal }),
    )
    for (const { id, name } of jobs) names.set(id, name)
  }

  /** Where the metrics say nothing, the application's trace may; it is long, so it is asked for less often. */
  async function readTraces(job: string): Promise<void> {
    if (now() - tracesAsked < toMs(options.probeEvery)) return
    tracesAsked = now()
    const pes = await bounded('PEs', (within) => options.management.pes({ job, within, attempts: 1, signal }))
    for (const pe of pes) {
      const asked = now()
      const text = await bounded('trace', (within) =>
        options.management.applicationTrace(pe, { within, attempts: 1, signal }),
      ).catch(() => undefined)
      if (text === undefined) continue
      const life = `${pe.id}/${pe.launchCount ?? '?'}`
      const known = traces.get(life) ?? new TraceTrack()
      traces.set(life, known)
      const facts = known.observe(text, asked, now())
      // Traces outlive a process: the old lines of one that was launched again may be of an earlier life.
      const own = (pe.launchCount ?? 1) > 1 ? facts.filter(({ initial }) => !initial) : facts
      options.onCycle(track.trace(own))
    }
  }

  async function probing(service: ProbedService, probe: Probe): Promise<void> {
    const asked = now()
    const up = await withDeadline((ended) => probe(ended), {
      within: options.requestWithin,
      signal,
      describe: `${track.dc} ${service}`,
    }).catch(() => false)
    if (!signal.aborted) options.onCycle(track.probe(service, up, asked, now()))
  }

  /** The client's own deadline ends the call; this one is for a client that does not keep it. */
  async function bounded<T>(what: string, call: (within: Duration) => PromiseLike<T>): Promise<T> {
    const within = options.requestWithin
    return withDeadline(async () => call(within), { within, signal, describe: `${track.dc} ${what}` })
  }

  await Promise.all(loops)
}
