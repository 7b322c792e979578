import { formatMs, messageOf, now, toMs, type Duration } from '../core/index.ts'
import type { DcName } from '../history/index.ts'
import type { StopCondition, StopContext } from './stop-condition.ts'

/** How long a data centre that no fault is aimed at may be away before a drill is stopped: `safety.stop` of an environment. */
export interface SurvivorLimits {
  /** Its management API does not answer. Default 30 s. */
  readonly unreachableFor?: Duration
  /** Its job is not there or not healthy. Default 60 s. */
  readonly unhealthyFor?: Duration
  /** From the end of a look until the next. Default 2 s. */
  readonly every?: Duration
}

const DCS: readonly DcName[] = ['east', 'west']

/**
 * Stops a drill that hits more than it is aimed at: a data centre that no fault affects must stay there. Where a fault is on
 * what lies between the data centres, both must. In a lab such faults are not watched unless limits are given: nobody is hurt.
 */
export function survivorCondition(limits?: SurvivorLimits): StopCondition {
  const unreachableForMs = toMs(limits?.unreachableFor ?? '30s')
  const unhealthyForMs = toMs(limits?.unhealthyFor ?? '60s')
  const trouble = new Map<DcName, Trouble>()
  let since: number | undefined
  return {
    name: 'the survivor is well',
    every: limits?.every ?? '2s',
    within: '30s',
    async check(context) {
      if (since !== context.since) trouble.clear()
      since = context.since
      const affected = new Set(context.active.map(({ affects }) => affects))
      const inLab = context.environment.lab !== undefined && limits === undefined
      if (context.active.length === 0 || (inLab && affected.has(undefined))) return { ok: true }
      const watched = DCS.filter((dc) => !affected.has(dc))
      for (const dc of DCS) if (!watched.includes(dc)) trouble.delete(dc)
      const found = await Promise.all(watched.map(async (dc) => ({ dc, seen: await look(context, dc) })))
      for (const { dc, seen } of found) {
        const known = trouble.get(dc)
        if (seen === undefined) trouble.delete(dc)
        else if (known?.kind !== seen.kind) trouble.set(dc, seen)
        else {
          const forMs = now() - known.from
          const limitMs = seen.kind === 'silent' ? unreachableForMs : unhealthyForMs
          if (forMs > limitMs)
            return { stop: `${dc} ${seen.what}, for ${formatMs(forMs)} (allowed: ${formatMs(limitMs)})` }
        }
      }
      return { ok: true }
    },
  }
}

interface Trouble {
  readonly kind: 'silent' | 'unhealthy'
  readonly from: number
  readonly what: string
}

async function look({ clients, environment, signal }: StopContext, dc: DcName): Promise<Trouble | undefined> {
  const from = now()
  const { job: name } = environment.dcs[dc].application
  try {
    const job = await clients[dc].management.findJob(name, { signal, within: '5s' })
    if (job?.health === 'healthy') return undefined
    return { kind: 'unhealthy', from, what: `has ${job ? `its job ${name} ${job.health}` : `no job ${name}`}` }
  } catch (error) {
    return { kind: 'silent', from, what: `does not answer: ${messageOf(error)}` }
  }
}
