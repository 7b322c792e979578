import { now, pause, toMs, type Duration } from '../core/index.ts'
import { readBundle, uploadBundle } from './bundle.ts'
import { readJson } from './answer.ts'
import { jobSchema, type Job } from './elements.ts'
import { ConflictError, InstanceNotStartedError, StreamsError } from './errors.ts'
import { jobsLink } from './jobs.ts'
import type { ManagementClient, SubmitOptions } from './management.ts'
import type { Navigator } from './navigation.ts'
import { isTransient } from './retry.ts'

/** How long a submission whose answer was lost may take to show up in the list, before it is sent again; less where time is short. */
const SETTLE: Duration = '5s'
const PAUSE = 200

type FindJob = ManagementClient['findJob']

/**
 * Submits a job. The call is never repeated blindly: after a lost answer the job is looked for by its name first.
 * @throws BundleMissingError before anything is sent; ConflictError if there is a job of that name; InstanceNotStartedError
 */
export async function submitJob(
  navigator: Navigator,
  findJob: FindJob,
  options: SubmitOptions,
  defaultWithin: Duration,
): Promise<Job> {
  const { transport } = navigator
  const { signal } = options
  const within = options.within ?? defaultWithin
  const deadline = now() + toMs(within)
  const left = (): Duration => `${Math.max(1, deadline - now())}ms`
  // First, because it costs the server nothing.
  const bytes =
    typeof options.bundle === 'string'
      ? await readBundle(transport.dc, options.bundle)
      : options.bundle instanceof Uint8Array
        ? options.bundle
        : undefined
  const name = options.name
  if (name !== undefined) {
    const there = await findJob(name, { signal })
    if (there) return existing(there, options, transport.dc)
  }
  const application = bytes
    ? await uploadBundle(navigator, bytes, { signal, within: left() })
    : 'bundleId' in Object(options.bundle)
      ? (options.bundle as { bundleId: string }).bundleId
      : (options.bundle as { url: string }).url
  const body = submitBody(application, options, transport.dialect.submit)

  while (true) {
    try {
      const url = await jobsLink(navigator, { signal })
      const answer = await transport.send({
        method: 'POST',
        url,
        json: body,
        signal,
        within: left(),
        attemptWithin: left(),
      })
      return readJson(answer, jobSchema)
    } catch (error) {
      if (!(error instanceof StreamsError)) throw error
      if (error instanceof InstanceNotStartedError) {
        const { status } = await navigator.instance(undefined, { signal, fresh: true })
        if (status !== 'starting' || now() + PAUSE >= deadline) throw error
        await pause(PAUSE, signal)
        continue
      }
      if (!error.mayHaveReached || !isTransient(error)) throw error
      const found = await lookAfterLoss(error)
      if (found) return found
      if (now() + PAUSE >= deadline) throw error
      await pause(PAUSE, signal)
    }
  }

  async function lookAfterLoss(lost: StreamsError): Promise<Job | undefined> {
    if (name === undefined) {
      throw new ConflictError(`it is not known whether the job was submitted: ${lost.message}`, {
        dc: transport.dc,
        method: 'POST',
        url: lost.url,
        cause: lost,
        mayHaveReached: true,
        remedy: 'Submit with a unique `name`: then a lost answer can be looked up, and the call repeated.',
      })
    }
    const until = now() + Math.min(toMs(SETTLE), (deadline - now()) / 4)
    let trouble: unknown
    do {
      try {
        const found = await findJob(name, { signal, attempts: 1, within: left() })
        trouble = undefined
        if (found) {
          transport.notice(`the answer to the submission of ${name} was lost; the job was found by its name.`)
          return found
        }
      } catch (error) {
        if (signal?.aborted || !isTransient(error)) throw error
        trouble = error
      }
      await pause(PAUSE, signal)
    } while (now() < until || (trouble !== undefined && now() < deadline))
    // Not even the list could be read: sending again might make a second job.
    if (trouble !== undefined) throw lost
    return undefined
  }
}

function existing(job: Job, options: SubmitOptions, dc: string): Job {
  if (options.ifExists === 'reuse') return job
  throw new ConflictError(
    `there is a job named ${JSON.stringify(options.name)} already (id ${job.id}, ${job.status}).`,
    {
      dc,
      method: 'POST',
      url: job.self,
      remedy: "Cancel it, choose another name, or submit with `ifExists: 'reuse'`.",
    },
  )
}

function submitBody(
  application: string,
  options: SubmitOptions,
  names: { application: string; overlay: string; overlays: string },
) {
  const given = options.overlay ?? {}
  const list: unknown = given[names.overlays]
  const first = asObject(Array.isArray(list) ? list[0] : undefined)
  const jobConfig = asObject(first['jobConfig'])
  const parameters = new Map<string, unknown>()
  const before: unknown = jobConfig['submissionParameters']
  if (Array.isArray(before))
    for (const one of before) parameters.set(String(asObject(one)['name']), asObject(one)['value'])
  for (const [key, value] of Object.entries(options.parameters ?? {})) parameters.set(key, value)
  const config = {
    ...jobConfig,
    ...(options.name === undefined ? {} : { jobName: options.name }),
    ...(parameters.size === 0
      ? {}
      : { submissionParameters: [...parameters].map(([name, value]) => ({ name, value })) }),
  }
  return {
    [names.application]: application,
    [names.overlay]: { ...given, [names.overlays]: [{ ...first, jobConfig: config }] },
    preview: false,
  }
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}
