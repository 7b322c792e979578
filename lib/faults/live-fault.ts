import { randomBytes } from 'node:crypto'
import { messageOf, now, toMs, withDeadline, type Duration, type Interval } from '../core/index.ts'
import type { DcName, HistoryEventInput } from '../history/index.ts'
import type { ActiveFault, FaultState, Healed } from './active.ts'
import type { Confirmation, Fault, FaultPlan, InjectedSteps } from './definition.ts'
import { FaultFailedError, FaultNotConfirmedError, FaultNotHealedError } from './errors.ts'
import { leaseId } from './lease.ts'
import { armLeases, type FaultLeases } from './leases.ts'
import { contextOf, type FaultDeadlines, type FaultServices } from './services.ts'
import { runSteps } from './steps.ts'

/**
 * Takes a fault through survey, plan, arming, injection and confirmation. Whatever goes wrong after the arming, everything is
 * undone before the error is thrown.
 */
export async function injectFault(
  fault: Fault,
  services: FaultServices,
  signal: AbortSignal,
  onHealed: (fault: ActiveFault) => void,
): Promise<ActiveFault> {
  const { definition, params } = fault
  const deadlines = longer(services.deadlines, definition.deadlines?.(services.environment, params) ?? {})
  const id = leaseId([fault.kind, randomBytes(4).toString('hex')])
  const title = `${fault.kind} on ${fault.target}`
  const affects = definition.affects(params)
  let state: FaultState = 'planned'
  const enter = (next: FaultState, at: Interval, detail?: string): void => {
    state = next
    const event = { type: 'fault', id, kind: fault.kind, target: fault.target, state: next, at } as const
    const more = { ...(detail === undefined ? {} : { detail }), ...(affects === undefined ? {} : { affects }) }
    services.record({ ...event, ...more, params: JSON.parse(JSON.stringify(params)) as Json })
  }
  const phase = <T>(name: keyof typeof deadlines, work: (signal: AbortSignal) => Promise<T>, outer?: AbortSignal) =>
    withDeadline(work, { within: deadlines[name], signal: outer, describe: `the ${PHASES[name]} of ${title}` })

  const facts = await phase('survey', (s) => definition.survey(contextOf(services, id, s), params), signal)
  let leases: FaultLeases | undefined
  let plan: FaultPlan
  // Of several hosts one may be lost while the fault is still being made: then it is taken back from the others at once.
  const gone = new AbortController()
  const making = AbortSignal.any([signal, gone.signal])
  let injected: InjectedSteps
  let confirmation: Confirmation
  let confirmed: Interval
  try {
    plan = definition.plan({ id, environment: services.environment }, params, facts)
    enter('planned', instant(), plan.effect)
    const armedFrom = now()
    leases = await armLeases(services, { id, title, plan }, { signal, onLost: (error) => lost(error) })
    enter('armed', { earliest: armedFrom, latest: now() }, leases.paths.join(', '))
    injected = await runSteps(plan, contextOf(services, id, making), deadlines.step)
    enter('injected', injected.at)
    const steps = injected
    const confirm = (s: AbortSignal) => definition.confirm(contextOf(services, id, s), params, facts, steps)
    confirmation = await phase('confirm', confirm, making).catch((error: unknown) => {
      throw new FaultNotConfirmedError(`${title} could not be confirmed: ${messageOf(error)}`, {
        remedy: 'What was measured with it proves nothing.',
        cause: error,
      })
    })
    confirmed = { earliest: injected.at.earliest, latest: now() }
  } catch (error) {
    const failure = await takeBack(gone.signal.aborted ? because(gone.signal.reason, error) : error)
    definition.dispose?.(facts)
    throw failure
  }
  const held = leases
  const outage = plan.outage.length > 0 ? (confirmation.outage ?? confirmed) : undefined
  const outages = (ends?: Interval): void => {
    for (const dc of plan.outage) {
      if (outage) services.record(outageEvent({ dc, at: outage, reason: title, fault: id, ...(ends ? { ends } : {}) }))
    }
  }
  enter('confirmed', confirmed, JSON.stringify(confirmation.evidence))
  outages()

  let healing: Promise<Healed> | undefined
  const heal = async (): Promise<Healed> => {
    const from = now()
    enter('healing', { earliest: from, latest: from })
    await stillOn()
    try {
      await held.undo('engine')
      const done = await phase('confirmHealed', (s) =>
        definition.confirmHealed(contextOf(services, id, s), params, facts),
      )
      const at = { earliest: from, latest: now() }
      enter('healed', at, JSON.stringify(done.evidence))
      outages(definition.endsByItself && outage ? { earliest: outage.latest, latest: at.latest } : at)
      await held.release()
      definition.dispose?.(facts)
      onHealed(live)
      return { at, evidence: done.evidence }
    } catch (error) {
      // Not renewed any more, it is undone by its host, which goes on trying; healing again is possible all the same.
      held.abandon()
      enter('failed', { earliest: from, latest: now() }, `not healed: ${messageOf(error)}`)
      services.doubt(`${title} could not be healed: ${messageOf(error)}`)
      if (error instanceof FaultNotHealedError) throw error
      throw new FaultNotHealedError(`${title} is still there after its undo: ${messageOf(error)}`, { cause: error })
    }
  }
  const live: ActiveFault = {
    id,
    kind: fault.kind,
    target: fault.target,
    affects,
    get state() {
      return state
    },
    injected: confirmation.injected ?? injected.at,
    confirmed,
    ...(outage ? { outage } : {}),
    evidence: confirmation.evidence,
    heal() {
      healing ??= heal().catch((error: unknown) => {
        healing = undefined
        throw error
      })
      return healing
    },
    async [Symbol.asyncDispose]() {
      await live.heal()
    },
  }
  return live

  /** A fault that ended before its time makes what was measured with it worthless. */
  async function stillOn(): Promise<void> {
    if (!definition.stillOn || state === 'failed') return
    const look = async (s: AbortSignal): Promise<void> =>
      definition.stillOn?.(contextOf(services, id, s), params, facts)
    await phase('confirm', look).catch((error: unknown) => {
      services.doubt(`${title} ended before it was healed: ${messageOf(error)}`)
    })
  }

  function lost(error: Error): void {
    enter('failed', instant(), error.message)
    services.doubt(`${title}: ${error.message}`)
    gone.abort(error)
  }

  /** Undoes what was done, says so in the record, and gives the error to throw. */
  async function takeBack(error: unknown): Promise<Error> {
    const from = now()
    if (!leases) {
      enter('failed', instant(), `nothing was touched: ${messageOf(error)}`)
      return error instanceof Error ? error : new FaultFailedError(messageOf(error))
    }
    services.doubt(`${title}: ${messageOf(error)}`)
    const undone = `Undone on: ${leases.hosts.join(', ')}.`
    try {
      await leases.undo('engine')
      await phase('confirmHealed', (s) => definition.confirmHealed(contextOf(services, id, s), params, facts))
    } catch (undoError) {
      // Not renewed any more, it is undone by its host, which goes on trying.
      leases.abandon()
      const detail = `${messageOf(error)} Its undo failed, too: ${messageOf(undoError)}`
      enter('failed', { earliest: from, latest: now() }, detail)
      return new FaultNotHealedError(`${title} failed and could not be undone: ${detail}`, { cause: error })
    }
    enter('failed', { earliest: from, latest: now() }, `undone after: ${messageOf(error)} ${undone}`)
    await leases.release()
    if (error instanceof FaultNotConfirmedError) return error
    const details = { undone: leases.hosts, ...(error instanceof FaultFailedError ? error.details : {}) }
    return new FaultFailedError(`${title} failed half-way and was undone: ${messageOf(error)} ${undone}`, {
      cause: error,
      details,
    })
  }
}

type Json = Extract<HistoryEventInput, { type: 'fault' }>['params']

const PHASES = {
  survey: 'survey',
  arm: 'arming',
  step: 'injection',
  confirm: 'confirmation',
  undo: 'undo',
  confirmHealed: 'confirmed healing',
} as const

function longer(general: FaultDeadlines, own: Partial<FaultDeadlines>): FaultDeadlines {
  const entries = Object.entries(own) as [keyof FaultDeadlines, Duration][]
  return { ...general, ...Object.fromEntries(entries.filter(([name, within]) => toMs(within) > toMs(general[name]))) }
}

/** An error with what led to it said first. */
function because(reason: unknown, error: unknown): FaultFailedError {
  const details = error instanceof FaultFailedError ? error.details : {}
  return new FaultFailedError(`${messageOf(reason)} ${messageOf(error)}`, { cause: error, details })
}

function instant(): Interval {
  const at = now()
  return { earliest: at, latest: at }
}

function outageEvent(outage: {
  readonly dc: DcName
  readonly at: Interval
  readonly reason: string
  readonly fault: string
  readonly ends?: Interval
}): HistoryEventInput {
  return { type: 'outage', ...outage }
}
