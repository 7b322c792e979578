import type { Interval } from '../core/index.ts'
import type { DcName } from '../history/index.ts'
import { CounterSet } from './counter-set.ts'
import { DataPlaneTrack } from './data-plane-track.ts'
import { JobsTrack, type JobChange } from './jobs-track.ts'
import { LaunchTrack } from './launch-track.ts'
import type { Observation, ObservationSubject } from './observation.ts'
import { ReachabilityTrack } from './reachability-track.ts'
import { ReceivingTrack } from './receiving-track.ts'
import type { SiteSample } from './sample.ts'
import { SendingTrack, type CounterChanges } from './sending-track.ts'
import { siteEvidence } from './site-evidence.ts'
import type { SiteFailure } from './site-failure.ts'
import { TakeoverTrack } from './takeover-track.ts'
import type { TracedFact } from './trace-lines.ts'
import type { ApplicationState, DcState, Evidence, Reachability, Takeover } from './view.ts'
import { ViewTrack, type ViewStep } from './view-track.ts'

/** Options of a {@link SiteTrack}. */
export interface SiteTrackOptions {
  readonly dc: DcName
  /** How long no answer is taken for bad luck, in milliseconds. */
  readonly patienceMs: number
  /** Without a new collection for this long, metrics are stale. */
  readonly staleMs: number
}

/** Services that are probed beside the management service. */
export type ProbedService = 'data-service' | 'cross-dc-ports'

/**
 * Concludes from the answers of one data centre's management service, in their order, what the toolkit there sees and does.
 * Pure: it is handed what was read, and returns what is new.
 */
export class SiteTrack {
  readonly dc: DcName
  readonly #options: SiteTrackOptions
  readonly #counters = new CounterSet()
  readonly #management: ReachabilityTrack
  readonly #services: Readonly<Record<ProbedService, ReachabilityTrack>>
  readonly #jobs = new JobsTrack()
  readonly #takeover: TakeoverTrack
  readonly #launch: LaunchTrack
  readonly #sending = new SendingTrack()
  readonly #receiving = new ReceivingTrack()
  readonly #dataPlane = new DataPlaneTrack()
  readonly #view: ViewTrack
  readonly #takeovers: Takeover[] = []
  #observations: Observation[] = []
  #relaunches = 0
  #lastAsked: number | undefined
  #reason = 'not yet asked'

  constructor(options: SiteTrackOptions) {
    this.dc = options.dc
    this.#options = options
    this.#management = new ReachabilityTrack(options.patienceMs)
    this.#services = {
      'data-service': new ReachabilityTrack(options.patienceMs),
      'cross-dc-ports': new ReachabilityTrack(options.patienceMs),
    }
    this.#takeover = new TakeoverTrack(options.dc)
    this.#launch = new LaunchTrack(options.dc)
    this.#view = new ViewTrack(this.#reason)
  }

  /** Takes an answer with metrics. @returns what is new */
  answer(sample: SiteSample): readonly Observation[] {
    const { asked, answered } = sample
    const at = { earliest: this.#lastAsked ?? asked, latest: answered }
    this.#reach('management', this.#management.answered(asked, answered), 'up')
    const { changes, fresh } = this.#counters.observe(sample)
    const relaunch = Object.values(changes).find((change) => change.relaunched)
    if (sample.toolkit) this.#launch.seen(sample.toolkit.jobId === sample.application?.id)
    this.#follow(this.#jobs.collect(sample, at))
    for (const { pe, launchCount, at: when } of this.#jobs.relaunches(sample, at)) {
      this.#tell('relaunch', launchCount, when, { kind: 'job-health', detail: `PE ${pe} was launched anew` })
    }
    if (relaunch) this.#relaunched(changes, relaunch.at)
    for (const step of this.#view.steps(this.#counters.values.statusChanges, changes.statusChanges, at)) this.#see(step)
    this.#send(changes)
    this.#receive(changes)
    if (fresh) this.#takingOver(changes)
    this.#lastAsked = asked
    return this.#flush()
  }

  /** Takes a poll that gave no metrics. */
  failure(failure: SiteFailure): readonly Observation[] {
    const { asked, answered, kind, reason } = failure
    const at = { earliest: this.#lastAsked ?? asked, latest: answered }
    this.#reason = reason
    if (kind === 'stopped') {
      this.#reach('management', this.#management.answered(asked, answered), 'up')
      this.#lose('gone', at, { kind: 'job-health', detail: reason })
      this.#lastAsked = asked
    } else if (kind === 'denied') {
      this.#reach('management', this.#management.answered(asked, answered), 'up')
      this.#lose('unknown', at, { kind: 'none', detail: reason })
    } else {
      const since = this.#management.failed(asked, answered, kind === 'refused')
      this.#reach('management', since, 'down')
      if (this.#management.state === 'down') this.#lose('unknown', since ?? at, { kind: 'none', detail: reason })
    }
    return this.#flush()
  }

  /** Takes what the trace of the toolkit's PE says; used where the metrics say nothing. */
  trace(facts: readonly TracedFact[]): readonly Observation[] {
    for (const { fact, at, initial } of facts) {
      // What was written before the first look tells how things stand, not when something happened.
      if (initial && fact.type !== 'up' && fact.type !== 'down') continue
      const evidence: Evidence = { kind: 'trace', detail: `an application trace line says ${fact.type}` }
      if (fact.type === 'up' || fact.type === 'down') {
        if (this.#view.current.value === fact.type && !this.#view.hidden) continue
        this.#see({ value: fact.type, at, initial, evidence })
      } else if (fact.type === 'taken-over') {
        const { at: detection } = this.#view.current
        const takeover = {
          earliest: Math.max(at.earliest, detection.earliest),
          latest: Math.max(at.latest, detection.latest),
        }
        this.#tookOver({ survivor: this.dc, detection, takeover, pieces: 1, evidence })
      } else if (fact.type === 'shutdown-sent') {
        if (this.#sending.quiesce()) this.#tell('shutdown', true, at, evidence)
      } else {
        this.#receiving.traced(fact.type, at)
      }
    }
    return this.#flush()
  }

  /** Takes the outcome of a probe of another service. */
  probe(service: ProbedService, up: boolean, asked: number, answered: number): readonly Observation[] {
    const track = this.#services[service]
    this.#reach(service, up ? track.answered(asked, answered) : track.failed(asked, answered, true), up ? 'up' : 'down')
    return this.#flush()
  }

  /** Takes what the traffic saw. */
  dataPlane(up: boolean, at: number): readonly Observation[] {
    const since = this.#dataPlane.report(up, at)
    const { state } = this.#dataPlane
    if (since) this.#tell('data-plane', state, since, { kind: 'data-plane', detail: `traffic is ${state}` })
    return this.#flush()
  }

  /** What is known at this instant. */
  state(now: number): DcState {
    const values = this.#counters.values
    const { hidden, current: view } = this.#view
    const age = now - (this.#counters.freshAt ?? now)
    const staleMs = age > this.#options.staleMs ? age : undefined
    return {
      dc: this.dc,
      peerView: hidden ? 'unknown' : view.value,
      at: view.at,
      initial: view.initial,
      failovers: this.#view.failovers,
      declarations: this.#view.declarations,
      takeovers: this.#takeovers,
      counters: values,
      heartbeatsSent: values.heartbeatsSent,
      heartbeatsReceived: values.heartbeatsReceived,
      snapshotsSent: values.snapshotsSent,
      snapshotsReceived: values.snapshotsReceived,
      takeoverPieces: this.#takeover.pieces,
      launchCount: this.#jobs.launchCount,
      relaunches: this.#relaunches,
      heartbeating: this.#sending.heartbeating,
      heartbeatReceivedAt: this.#receiving.heartbeat,
      snapshotReceivedAt: this.#receiving.snapshot,
      quiesced: this.#sending.quiesced,
      application: this.#jobs.application,
      toolkit: this.#jobs.toolkit,
      management: this.#management.state,
      dataService: this.#services['data-service'].state,
      crossDcPorts: this.#services['cross-dc-ports'].state,
      dataPlane: this.#dataPlane.state,
      freshAt: this.#counters.freshAt,
      coveredUntil: this.#counters.coveredUntil,
      stale: staleMs !== undefined,
      evidence: siteEvidence({
        view: { hidden, evidence: view.evidence },
        staleMs,
        management: this.#management.state,
        toolkit: this.#jobs.toolkit,
        dataPlane: this.#dataPlane.state,
        reason: this.#reason,
      }),
    }
  }

  #follow(changes: readonly JobChange[], evidence?: Evidence): void {
    for (const { subject, before, state, at } of changes) {
      const detail = subject === 'job' ? "states of the application's PEs" : "states of the toolkit's PEs"
      this.#tell(subject, state, at, evidence ?? { kind: 'job-health', detail })
      if (subject === 'job') this.#launched(before, state, at)
      else if (state !== 'running') this.#sending.lost()
    }
  }

  #launched(before: ApplicationState, state: ApplicationState, at: Interval): void {
    if (this.#launch.unannounced(before, state)) {
      const degraded = 'the watcher ended before its declaration was seen'
      const evidence: Evidence = { kind: 'job-health', detail: 'the application was launched', degraded }
      const since = { earliest: Math.min(this.#view.lookedAfter, at.latest), latest: at.latest }
      this.#see({ value: 'down', at: since, initial: false, evidence })
    }
    const done = this.#launch.application(state, at)
    if (done) this.#tookOver(done)
  }

  #relaunched(changes: CounterChanges, at: Interval): void {
    this.#relaunches++
    // Launch counts tell of all PEs; without them, only the counters of the toolkit do.
    if (this.#jobs.launchCount === undefined) {
      const detail = 'a counter of the toolkit began anew: its PE was launched again'
      this.#tell('relaunch', this.#relaunches, at, { kind: 'toolkit-metrics', detail })
    }
    if (changes.takeoverPieces?.relaunched || changes.statusHandled?.relaunched) this.#takeover.relaunched()
    if (changes.heartbeatsSent?.relaunched || changes.specialMessages?.relaunched) this.#sending.relaunched()
  }

  #see(step: ViewStep): void {
    const { value, at, initial, evidence } = step
    this.#view.take(step)
    this.#tell('peer-view', value, at, evidence)
    if (value === 'down' && !initial) {
      if (this.#launch.passive) this.#launch.begin(at, evidence)
      else this.#takeover.begin(at)
    } else if (value === 'up') {
      const cutShort = this.#takeover.end()
      if (cutShort) this.#tookOver(cutShort)
      this.#launch.end()
    }
  }

  #send(changes: CounterChanges): void {
    for (const news of this.#sending.collect(this.#counters.values, changes, this.#view.current.value === 'down')) {
      this.#tell(news.type, news.type === 'heartbeats' ? news.value : true, news.at, news.evidence)
    }
  }

  #receive(changes: CounterChanges): void {
    const messages = this.#receiving.collect(changes)
    if (!messages) return
    this.#takeover.received()
    const detail = `CrossDataCenterReceiver submitted ${messages.count} messages`
    this.#tell('snapshots', messages.count, messages.at, { kind: 'toolkit-metrics', detail })
  }

  #takingOver(changes: CounterChanges): void {
    const done = this.#takeover.collect(this.#counters.values, {
      pieces: changes.takeoverPieces,
      handled: changes.statusHandled,
    })
    if (done) this.#tookOver(done)
  }

  #tookOver(takeover: Takeover): void {
    this.#takeovers.push(takeover)
    this.#tell('takeover', takeover.pieces, takeover.takeover, takeover.evidence)
  }

  #lose(state: 'gone' | 'unknown', at: Interval, evidence: Evidence): void {
    this.#view.hide()
    this.#follow(this.#jobs.lose(state, at), evidence)
  }

  #reach(subject: 'management' | ProbedService, at: Interval | undefined, state: Reachability): void {
    if (!at) return
    const reason = subject === 'management' ? `: ${this.#reason}` : ''
    const detail = state === 'up' ? `${subject} answers` : `${subject} does not answer${reason}`
    this.#tell(subject, state, at, { kind: 'none', detail })
  }

  #tell(subject: ObservationSubject, value: Observation['value'], at: Interval, evidence: Evidence): void {
    this.#observations.push({ dc: this.dc, subject, value, at, evidence })
  }

  #flush(): readonly Observation[] {
    const told = this.#observations
    this.#observations = []
    return told
  }
}
