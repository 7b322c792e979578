import type { FromSite, SiteBoot, SiteIdentity } from '../plan.ts'
import type { WrongAnswer } from '../rest/wrong.ts'
import { openTruth, type Truth } from '../truth.ts'
import type { Bundle } from './bundle-file.ts'
import { Collector } from './collector.ts'
import { Disk } from './disk.ts'
import { Job, summarise } from './job.ts'
import type { Health, InstanceStatus, PeReason, StoredJob, StoredPe } from './model.ts'
import { peContext } from './pe-context.ts'
import { Pe } from './pe.ts'
import { noSuchJob, notFound, notStarted, Refusal } from './refusal.ts'
import { jobName, resolveParameters, type Submission } from './submission.ts'

/** Configured seconds that an instance takes to start or to stop. */
const INSTANCE_CHANGE = 0.25
/** Configured seconds by which the planted defect `slow-return` delays PEs at a boot. */
const SLOW_RETURN = 30

/** One data centre: an instance with its jobs, PEs and hosts. All that its management API reads and does. */
export class Site {
  readonly boot: SiteBoot
  readonly identity: SiteIdentity
  readonly disk: Disk
  readonly truth: Truth
  readonly collector: Collector
  readonly jobs = new Map<string, Job>()
  instanceStatus: InstanceStatus = 'stopped'
  instanceStartTime = 0
  readonly bootTime = Date.now()
  /** What the management API answers instead of the right thing, while it is told to. */
  wrong: WrongAnswer | undefined
  /** Counts changes of anything but metrics. */
  version = 0
  readonly tell: (message: FromSite) => void
  #onInstance: (running: boolean) => Promise<void> = () => Promise.resolve()

  constructor(boot: SiteBoot, tell: (message: FromSite) => void) {
    this.boot = boot
    this.tell = tell
    this.identity = boot.plan.sites[boot.dc]
    this.wrong = boot.wrong
    this.disk = new Disk(this.identity.disk)
    this.truth = openTruth(boot.plan.truthFile, boot.dc)
    this.collector = new Collector(() => this.pes(), boot.plan.metricsEveryMs)
  }

  /** Registers what must come and go with the instance: the data service. */
  onInstance(react: (running: boolean) => Promise<void>): void {
    this.#onInstance = react
  }

  get hosts(): readonly string[] {
    return this.boot.plan.hostNames[this.boot.dc]
  }

  get health(): Health {
    return summarise([...this.jobs.values()].map((job) => job.health))
  }

  pes(): Pe[] {
    return [...this.jobs.values()].flatMap((job) => [...job.pes])
  }

  /** Brings back what was there before the power went. */
  async recover(): Promise<void> {
    const { state } = this.disk
    if (state.instance.wanted === 'stopped') return
    this.#setInstance('starting')
    await this.#onInstance(true)
    this.instanceStartTime = Date.now()
    this.#setInstance('running')
    for (const stored of state.jobs) {
      const bundle = this.disk.bundle(stored.bundleId)
      if (bundle) this.jobs.set(stored.id, this.#assemble(stored, bundle))
    }
    const start = (): void => {
      for (const job of this.jobs.values()) this.#run(job, 'hostFailure')
    }
    if (state.jobs.length > 0 && this.boot.plan.defects.includes('slow-return')) setTimeout(start, this.ms(SLOW_RETURN))
    else start()
  }

  requireStarted(): void {
    if (this.instanceStatus !== 'running') throw notStarted(this.identity.instance)
  }

  /**
   * Starts the instance; the promise is for the end of that.
   * @throws Refusal at once
   */
  startInstance(): Promise<void> {
    if (this.instanceStatus === 'running' || this.instanceStatus === 'starting') {
      throw new Refusal(409, 'CDISA5073E', `The ${this.identity.instance} instance is already started.`)
    }
    this.disk.state.instance.wanted = 'started'
    this.disk.save()
    this.#setInstance('starting')
    return this.#finishStart()
  }

  async #finishStart(): Promise<void> {
    await later(this.ms(INSTANCE_CHANGE))
    await this.#onInstance(true)
    this.instanceStartTime = Date.now()
    this.#setInstance('running')
  }

  /**
   * Stops the instance and with it all jobs, for good; the promise is for the end of that.
   * @throws Refusal at once
   */
  stopInstance(): Promise<void> {
    this.requireStarted()
    this.disk.state.instance.wanted = 'stopped'
    this.disk.save()
    this.#setInstance('stopping')
    return this.#finishStop()
  }

  async #finishStop(): Promise<void> {
    await Promise.all([...this.jobs.values()].map((job) => this.#end(job)))
    await this.#onInstance(false)
    await later(this.ms(INSTANCE_CHANGE))
    this.#setInstance('stopped')
  }

  /** Submits a job: returns once its PEs are launched, long before they are healthy. */
  submit(submission: Submission, user: string): Job {
    this.requireStarted()
    const bundle = this.disk.bundle(submission.bundleId)
    if (!bundle) {
      const text = `The contents of the application bundle ${submission.bundleId} are malformed, or it was not uploaded.`
      throw new Refusal(400, 'CDISA5360E', text)
    }
    const { state } = this.disk
    const parameters = resolveParameters(bundle, submission.parameters)
    const id = String(state.nextJobId)
    const taken = [...this.jobs.values()].map((job) => job.stored.name)
    const name = jobName(submission.name ?? `${bundle.application}_${id}`, taken)
    const jobGroup = submission.jobGroup ?? 'default'
    if (jobGroup !== 'default')
      throw new Refusal(400, 'CDISA5210E', `The following job group does not exist: ${jobGroup}`)
    const pes = this.#place(bundle)
    const stored: StoredJob = {
      id,
      name,
      jobGroup,
      bundleId: submission.bundleId,
      startedBy: user,
      submitTime: Date.now(),
      parameters,
      generationId: 1,
      pes,
    }
    state.nextJobId++
    state.nextPeId += pes.length
    state.jobs.push(stored)
    const job = this.#assemble(stored, bundle)
    this.jobs.set(id, job)
    this.truth.write('job', { id, name, status: 'constructed' })
    this.#run(job, 'none')
    return job
  }

  /** The parameters that a submission would run with. */
  preview(submission: Submission): Readonly<Record<string, string>> {
    const bundle = this.disk.bundle(submission.bundleId)
    if (!bundle) throw new Refusal(400, 'CDISA5360E', `The application bundle ${submission.bundleId} was not uploaded.`)
    return resolveParameters(bundle, submission.parameters)
  }

  job(id: string): Job {
    const job = this.jobs.get(id)
    if (!job) throw noSuchJob(id)
    return job
  }

  /** Cancels a job; resolves when its PEs have ended. */
  async cancel(id: string): Promise<void> {
    const job = this.job(id)
    if (job.ended) throw noSuchJob(id)
    await this.#end(job)
  }

  #end(job: Job): Promise<void> {
    job.ended ??= (async () => {
      const { id, name } = job.stored
      job.status = 'canceling'
      const { state } = this.disk
      state.jobs = state.jobs.filter((stored) => stored.id !== id)
      this.disk.save()
      this.truth.write('job', { id, name, status: 'canceling' })
      this.changed()
      await Promise.all(job.pes.map((pe) => pe.retire()))
      this.jobs.delete(id)
      this.truth.write('job', { id, name, status: 'canceled' })
      this.changed()
    })()
    return job.ended
  }

  pe(id: string): Pe {
    const pe = this.pes().find((candidate) => candidate.stored.id === id)
    if (!pe) throw notFound('pe', id)
    return pe
  }

  jobOf(pe: Pe): Job {
    const job = [...this.jobs.values()].find((candidate) => candidate.pes.includes(pe))
    if (!job) throw notFound('pe', pe.stored.id)
    return job
  }

  async stopPe(pe: Pe): Promise<void> {
    pe.stored.stopped = true
    this.disk.save()
    await pe.stop('userRequest')
  }

  /** Starts a stopped PE, or ends a running one and starts it again. */
  async restartPe(pe: Pe): Promise<void> {
    if (pe.status !== 'stopped') await pe.stop('userRequest')
    pe.start('userRequest')
    this.disk.save()
  }

  isQuiesced(host: string): boolean {
    return this.disk.state.quiescedHosts.includes(host)
  }

  #assemble(stored: StoredJob, bundle: Bundle): Job {
    const pes: Pe[] = stored.pes.map(
      (pe) =>
        new Pe(
          pe,
          peContext(this, pe, () => job),
        ),
    )
    const job: Job = new Job(stored, bundle, pes)
    return job
  }

  #run(job: Job, reason: PeReason): void {
    for (const pe of job.pes) {
      if (pe.stored.stopped) pe.status = 'stopped'
      else pe.start(reason)
    }
    job.status = 'running'
    this.truth.write('job', { id: job.stored.id, name: job.stored.name, status: 'running' })
    this.disk.save()
    this.changed()
  }

  /** Gives the PEs of a new job an id, a port and a host each. */
  #place(bundle: Bundle): StoredPe[] {
    const taken = new Set(this.pes().map((pe) => pe.stored.port))
    const free = this.boot.pePorts.filter((port) => !taken.has(port))
    const open = this.hosts.filter((host) => !this.isQuiesced(host))
    // Where no host takes PEs they wait on one that may take them later.
    const hosts = open.length > 0 ? open : this.hosts
    return bundle.pes.map(({ kind }, i) => {
      const port = free[i]
      const host = hosts[i % hosts.length]
      if (port === undefined || host === undefined) {
        throw new Refusal(500, 'CDISW5001E', 'An unexpected error occurred: there is no port left for another PE.')
      }
      return { id: String(this.disk.state.nextPeId + i), kind, port, host, launchCount: 0, stopped: false }
    })
  }

  #setInstance(status: InstanceStatus): void {
    this.instanceStatus = status
    this.truth.write('instance', { status })
    this.changed()
  }

  /** Notes that something other than metrics has changed. */
  changed(): void {
    this.version++
  }

  /** Configured seconds in real milliseconds. */
  ms(seconds: number): number {
    return seconds * this.boot.plan.timeScale * 1000
  }
}

function later(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
