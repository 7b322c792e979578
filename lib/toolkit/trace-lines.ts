import type { Interval } from '../core/index.ts'

/** Something that an application trace line says (toolkit reference §13.2; the composite itself is silent on up and down). */
export type TraceFact =
  | { readonly type: 'up' }
  | { readonly type: 'down' }
  | { readonly type: 'taken-over'; readonly items: number }
  | { readonly type: 'heartbeat-received' }
  | { readonly type: 'snapshot-received' }
  | { readonly type: 'shutdown-sent' }

const PATTERNS: readonly (readonly [RegExp, (match: RegExpExecArray) => TraceFact])[] = [
  [/Received a notification about the remote data center coming up and running normally/, () => ({ type: 'up' })],
  [/Received a notification about the remote data center going down due to failure/, () => ({ type: 'down' })],
  [/Remote DC Status=Up and running\./, () => ({ type: 'up' })],
  [/Remote DC Status=Down and not running\./, () => ({ type: 'down' })],
  [
    /-->Completed the taking-over of the replicated data.*A total of (\d+) data items/,
    (match) => ({ type: 'taken-over', items: Number(match[1]) }),
  ],
  [/_XXXXX_ Received the heartbeat message \d+ with no data snapshot/, () => ({ type: 'heartbeat-received' })],
  [
    /_XXXXX_ Received the heartbeat message \d+ with a non-zero length data snapshot/,
    () => ({ type: 'snapshot-received' }),
  ],
  [/_XXXXX_ We sent an orderly shutdown message/, () => ({ type: 'shutdown-sent' })],
]

/** What a trace line says about the failover, if anything. */
export function traceFact(line: string): TraceFact | undefined {
  for (const [pattern, fact] of PATTERNS) {
    const match = pattern.exec(line)
    if (match) return fact(match)
  }
  return undefined
}

/** A fact with its time bounds. */
export interface TracedFact {
  readonly fact: TraceFact
  readonly at: Interval
  /** It was there at the first look: `at` is the time of the look. */
  readonly initial: boolean
}

/**
 * Follows the trace of one PE. A line that is new in a read was written after the read before was asked, and before this one was
 * answered. Traces rotate: what follows the last line known is new; if that line is gone, all is.
 */
export class TraceTrack {
  #last: { readonly text: string; readonly asked: number } | undefined

  /** Reads must come in order. */
  observe(text: string, asked: number, answered: number): readonly TracedFact[] {
    const before = this.#last
    this.#last = { text, asked }
    const at = { earliest: before?.asked ?? asked, latest: answered }
    const facts: TracedFact[] = []
    for (const line of newPart(before?.text ?? '', text).split('\n')) {
      const fact = traceFact(line)
      if (fact) facts.push({ fact, at, initial: before === undefined })
    }
    return facts
  }
}

function newPart(before: string, now: string): string {
  if (now.startsWith(before)) return now.slice(before.length)
  const lastLine = before.trimEnd().split('\n').at(-1) ?? ''
  const found = lastLine === '' ? -1 : now.lastIndexOf(lastLine)
  return found < 0 ? now : now.slice(found + lastLine.length)
}
