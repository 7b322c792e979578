import { AbortedError, FailoverError, messageOf, now, pause, toMs, type Interval } from '../core/index.ts'
import { FaultFailedError, FaultNotHealedError, type ActiveFault, type FaultEngine } from '../faults/index.ts'
import type { DrillRecorder } from '../history/index.ts'
import { ScheduleError } from './errors.ts'
import { describeSchedule, holdsOf, placeIn, titleOf, type Hold, type Pause, type Schedule } from './schedule.ts'

/** What a schedule is carried out with. */
export interface NemesisParts {
  readonly engine: Pick<FaultEngine, 'check' | 'inject' | 'stopped'>
  readonly recorder: Pick<DrillRecorder, 'event'>
  /** Ends it: what is on is healed. */
  readonly signal?: AbortSignal
  /** Told what is being done, for people; undefined once it is over. */
  readonly onProgress?: (text: string | undefined) => void
}

/** A fault that was on as a schedule said. */
export interface CarriedOut {
  /** Where it stands in the schedule, as in `2.1`. */
  readonly place: string
  readonly fault: ActiveFault
  /** From the first undo command until the absence of the effect was measured. */
  readonly healed: Interval
}

/** A schedule that is being carried out. At the end of the scope it is given up, and what is on is healed. */
export interface NemesisRun extends AsyncDisposable {
  /** What has been on and is healed, in the order in which it was healed. */
  readonly carriedOut: readonly CarriedOut[]
  /**
   * Resolves once all was done and is healed. Rejects with the first that failed, after everything else was healed: an error of
   * this library as a ScheduleError, which says where; any other that `until` rejects with as it is.
   */
  readonly done: Promise<readonly CarriedOut[]>
}

/**
 * Starts a schedule.
 * @throws FaultRefusedError before anything is touched, if any fault of it would be refused where it stands: for what it needs or
 * breaks, or for how many are on beside it
 */
export function startSchedule(schedule: Schedule, parts: NemesisParts): NemesisRun {
  const { engine, recorder } = parts
  const all = holdsOf(schedule)
  for (const { hold, beside } of all) engine.check(hold.fault, beside)
  recorder.event({ type: 'phase', at: now(), phase: 'schedule', detail: describeSchedule(schedule) })

  const givenUp = new AbortController()
  const carriedOut: CarriedOut[] = []
  const outside = AbortSignal.any([engine.stopped, ...(parts.signal ? [parts.signal] : [])])
  const work = carryOut(schedule, '', outside)
    .finally(() => parts.onProgress?.(undefined))
    .then(() => carriedOut)
  let isTold = false
  // Whoever asks for it is told; who does not is told at the end of the scope.
  work.catch(() => undefined)
  return {
    carriedOut,
    get done() {
      isTold = true
      return work
    },
    async [Symbol.asyncDispose]() {
      givenUp.abort(new AbortedError('The schedule was given up.'))
      await work.catch((error: unknown) => {
        if (!isTold && error !== givenUp.signal.reason) throw error
      })
    },
  }

  async function carryOut(part: Schedule, place: string, signal: AbortSignal): Promise<void> {
    switch (part.kind) {
      case 'hold':
        return carryOutHold(part, place || '1', signal)
      case 'pause':
        parts.onProgress?.(`${progress()}; nothing for ${part.for}`)
        return nothing(part, untilGivenUp(signal))
      case 'sequence':
        for (const [i, step] of part.steps.entries()) await carryOut(step, placeIn(place, i), signal)
        return
      case 'parallel': {
        const failed = new AbortController()
        const any = AbortSignal.any([signal, failed.signal])
        const branches = part.branches.map((branch, i) =>
          carryOut(branch, placeIn(place, i), any).catch((error: unknown) => failed.abort(error)),
        )
        await Promise.all(branches)
        // The first: those that were given up because of it came later.
        if (failed.signal.aborted) throw failed.signal.reason
      }
    }
  }

  async function carryOutHold(hold: Hold, place: string, signal: AbortSignal): Promise<void> {
    // A fault that is half-way on is first finished where the schedule is only given up: so it is known when it was on.
    const holding = untilGivenUp(signal)
    try {
      holding.throwIfAborted()
      parts.onProgress?.(`${progress()}; ${place} ${titleOf(hold.fault)}`)
      const fault = await engine.inject(hold.fault, { signal })
      const failure = await holdFault(hold, fault, holding)
      const healed = await fault.heal().catch((error: unknown) => {
        if (!failure) throw error
        throw new FaultNotHealedError(`${messageOf(error)} Before that: ${messageOf(failure.error)}`, { cause: error })
      })
      if (failure) throw failure.error
      carriedOut.push({ place, fault, healed: healed.at })
    } catch (error) {
      if (signal.aborted && !(error instanceof FaultNotHealedError)) throw signal.reason
      const isFault = error instanceof FailoverError && error !== holding.reason
      throw isFault ? new ScheduleError(place, titleOf(hold.fault), error) : error
    }
  }

  async function nothing(part: Pause, signal: AbortSignal): Promise<void> {
    await pause(toMs(part.for), signal).catch((error: unknown) => {
      throw signal.aborted ? signal.reason : error
    })
  }

  function untilGivenUp(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, givenUp.signal])
  }

  function progress(): string {
    return `${carriedOut.length} of ${all.length} faults done`
  }
}

/** Keeps a fault on. @returns why it was not to the end, if so */
async function holdFault(
  { length }: Hold,
  fault: ActiveFault,
  signal: AbortSignal,
): Promise<{ readonly error: unknown } | undefined> {
  try {
    signal.throwIfAborted()
    if ('for' in length) await pause(toMs(length.for), signal)
    else await Promise.race([length.until(fault, signal), abortion(signal)])
    if (fault.state === 'confirmed') return undefined
    throw new FaultFailedError(`${titleOf(fault)} was not on to its end.`)
  } catch (error) {
    return { error: signal.aborted ? signal.reason : error }
  }
}

/** Healing does not wait for whoever does not listen to the signal. */
function abortion(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(new AbortedError('The hold was ended.')), { once: true }),
  )
}
