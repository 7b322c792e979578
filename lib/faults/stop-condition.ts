import { messageOf, now, pause, toMs, withDeadline, type Duration } from '../core/index.ts'
import type { DcName } from '../history/index.ts'
import type { Shell } from '../hosts/index.ts'
import type { ActiveFault } from './active.ts'
import type { DcClients, HostName } from './definition.ts'
import type { FaultEnvironment } from './target.ts'

/** What a stop condition may look at. It changes nothing. */
export interface StopContext {
  readonly environment: FaultEnvironment
  readonly clients: Readonly<Record<DcName, DcClients>>
  shell(host: HostName): Shell
  /** What is on. Empty while the first fault is being injected. */
  readonly active: readonly Pick<ActiveFault, 'kind' | 'target' | 'affects'>[]
  /** Monotonic ms at which this watch began: a condition that remembers starts afresh when it changes. */
  readonly since: number
  readonly signal: AbortSignal
}

/** Whether the drill may go on, or why not. */
export type StopAnswer = { readonly ok: true } | { readonly stop: string }

/**
 * A limit of what a drill may do to its surroundings, watched for as long as a fault is on. When it says stop, everything is
 * healed at once, the drill is inconclusive, and nothing more is injected. A check that throws stops, too: what cannot be watched
 * may have gone wrong.
 */
export interface StopCondition {
  readonly name: string
  /** From the end of a check until the next. */
  readonly every: Duration
  /** Deadline of one check. Default 10 s. */
  readonly within?: Duration
  check(context: StopContext): Promise<StopAnswer>
}

/** A watch over stop conditions, on while there is something to watch. */
export interface StopWatch {
  /** Begins, if it is not on. */
  begin(): void
  end(): void
}

/** A watch that tells the first condition that stops, once per watch. */
export function watchStops(options: {
  readonly conditions: readonly StopCondition[]
  readonly context: (signal: AbortSignal, since: number) => StopContext
  readonly onStop: (reason: string) => void
}): StopWatch {
  let watch: AbortController | undefined

  async function run(condition: StopCondition, signal: AbortSignal, since: number): Promise<string | undefined> {
    while (!signal.aborted) {
      try {
        const limits = {
          within: condition.within ?? '10s',
          signal,
          describe: `the stop condition ${condition.name}`,
        } as const
        const answer = await withDeadline((ends) => condition.check(options.context(ends, since)), limits)
        if ('stop' in answer) return answer.stop
      } catch (error) {
        return signal.aborted ? undefined : `it cannot be checked: ${messageOf(error)}`
      }
      await pause(toMs(condition.every), signal).catch(() => undefined)
    }
    return undefined
  }

  return {
    begin() {
      if (watch) return
      const current = (watch = new AbortController())
      const since = now()
      for (const condition of options.conditions) {
        void run(condition, current.signal, since).then((reason) => {
          if (reason === undefined || current.signal.aborted) return
          current.abort()
          options.onStop(`${condition.name}: ${reason}`)
        })
      }
    },
    end() {
      watch?.abort()
      watch = undefined
    },
  }
}
