import type { Interval } from '../core/index.ts'
import { jobState } from './job-state.ts'
import type { PeSample, SiteSample } from './sample.ts'
import type { ApplicationState } from './view.ts'

/** A job, or the toolkit's part of one, came into another state. */
export interface JobChange {
  readonly subject: 'job' | 'toolkit'
  readonly before: ApplicationState
  readonly state: ApplicationState
  readonly at: Interval
}

/** A PE of the application, or the whole job, was launched anew since the answer before. */
export interface PeRelaunch {
  readonly pe: string
  readonly launchCount: number
  readonly at: Interval
}

/** Follows the application's job and the PEs that run the toolkit. */
export class JobsTrack {
  #application: ApplicationState = 'unknown'
  #toolkit: ApplicationState = 'unknown'
  #known: { readonly jobId: string; readonly ids: ReadonlySet<string> } | undefined
  #launchCount: number | undefined
  #launches: { readonly jobId: string; readonly counts: ReadonlyMap<string, number> } | undefined

  get application(): ApplicationState {
    return this.#application
  }

  get toolkit(): ApplicationState {
    return this.#toolkit
  }

  /** Launches of the first PE that runs the toolkit. */
  get launchCount(): number | undefined {
    return this.#launchCount
  }

  /** Takes the jobs of one answer. @returns what is new */
  collect({ application, toolkit }: SiteSample, at: Interval): readonly JobChange[] {
    if (toolkit && toolkit.pes.length > 0) {
      this.#known = { jobId: toolkit.jobId, ids: new Set(toolkit.pes.map(({ id }) => id)) }
      this.#launchCount = toolkit.pes[0]?.launchCount
    }
    return this.#settle(jobState(application?.pes), jobState(toolkit?.pes ?? this.#remembered(application)), at)
  }

  /** PEs of the application with more launches than in the answer before; all of them if the job is another. */
  relaunches({ application }: SiteSample, at: Interval): readonly PeRelaunch[] {
    if (!application) return []
    const before = this.#launches
    const counted = application.pes.flatMap(({ id, launchCount }) =>
      launchCount === undefined ? [] : [{ pe: id, launchCount, at }],
    )
    const counts = new Map(counted.map(({ pe, launchCount }) => [pe, launchCount]))
    this.#launches = { jobId: application.id, counts }
    if (!before) return []
    if (before.jobId !== application.id) return counted
    return counted.filter(({ pe, launchCount }) => launchCount > (before.counts.get(pe) ?? launchCount))
  }

  /** Nothing is known any more, or all is known to be gone. */
  lose(state: 'gone' | 'unknown', at: Interval): readonly JobChange[] {
    return this.#settle(state, state, at)
  }

  #settle(application: ApplicationState, toolkit: ApplicationState, at: Interval): readonly JobChange[] {
    const changes: JobChange[] = []
    const before = { application: this.#application, toolkit: this.#toolkit }
    if (before.application !== application) {
      changes.push({ subject: 'job', before: before.application, state: application, at })
    }
    if (before.toolkit !== toolkit) changes.push({ subject: 'toolkit', before: before.toolkit, state: toolkit, at })
    this.#application = application
    this.#toolkit = toolkit
    return changes
  }

  /** A PE that is being launched shows no operators yet: it is known by its id. */
  #remembered(application: SiteSample['application']): readonly PeSample[] | undefined {
    const known = this.#known
    if (!application || known?.jobId !== application.id) return application?.pes
    return application.pes.filter(({ id }) => known.ids.has(id))
  }
}
