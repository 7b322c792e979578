import { formatMs, now } from '../core/index.ts'
import { readProgress, type WaitingDrill } from './progress.ts'

/** Where lines go: a terminal, or anything that takes text. */
export interface LineSink {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): boolean
}

/** Options of {@link startLiveLine}. */
export interface LiveLineOptions {
  readonly runDirectory: () => string | undefined
  readonly sink: LineSink
  /** What else writes to the same terminal, e.g. stderr. */
  readonly others?: readonly LineSink[]
  /** Between two looks at what is awaited. */
  readonly everyMs?: number
}

const FIRST_PLAIN_LINE_MS = 10_000
const NEXT_PLAIN_LINE_MS = 30_000
const MOST_LINES = 4

/** One line about a wait: what is awaited, for how long, and what is seen. */
export function formatWaiting(waiting: WaitingDrill, at: number): string {
  const seen = waiting.seen ? ` — ${waiting.seen}` : ''
  return `${waiting.drill}: waiting ${formatMs(at - waiting.since)} for ${waiting.waitingFor}${seen}`.replaceAll(
    /\s+/g,
    ' ',
  )
}

/**
 * Shows what drills wait for while they do: on a terminal as lines that are redrawn in place below all other output, elsewhere as
 * an occasional plain line (after ten seconds, then every thirty). Returns the function that ends it and leaves nothing behind.
 */
export function startLiveLine(options: LiveLineOptions): () => void {
  const { sink } = options
  return sink.isTTY ? redrawn(options) : occasional(options)
}

function redrawn({ sink, others = [], runDirectory, everyMs = 250 }: LiveLineOptions): () => void {
  const write = sink.write.bind(sink)
  let drawn = 0
  const erase = (): void => {
    if (drawn > 0) write(`\x1b[${drawn}A\x1b[0J`)
    drawn = 0
  }
  const draw = (): void => {
    const directory = runDirectory()
    const all = directory === undefined ? [] : readProgress(directory)
    const at = now()
    const width = (sink.columns ?? 80) - 1
    const lines = all.slice(0, MOST_LINES).map((waiting) => `… ${formatWaiting(waiting, at)}`.slice(0, width))
    if (all.length > MOST_LINES) lines.push(`… and ${all.length - MOST_LINES} more`)
    erase()
    if (lines.length > 0) write(`${lines.join('\n')}\n`)
    drawn = lines.length
  }
  // What others print goes above the live lines.
  const restore = [sink, ...others].map((other) => {
    const print = other.write.bind(other)
    other.write = (...output: Parameters<LineSink['write']>) => {
      erase()
      return print(...output)
    }
    return () => (other.write = print)
  })
  const timer = setInterval(draw, everyMs)
  timer.unref()
  return () => {
    clearInterval(timer)
    erase()
    for (const undo of restore) undo()
  }
}

function occasional({ sink, runDirectory, everyMs = 1000 }: LiveLineOptions): () => void {
  const due = new Map<string, number>()
  const timer = setInterval(() => {
    const directory = runDirectory()
    if (directory === undefined) return
    const at = now()
    for (const waiting of readProgress(directory)) {
      const key = `${waiting.pid} ${waiting.drill} ${waiting.since}`
      if (at < (due.get(key) ?? waiting.since + FIRST_PLAIN_LINE_MS)) continue
      due.set(key, at + NEXT_PLAIN_LINE_MS)
      sink.write(`${formatWaiting(waiting, at)}\n`)
    }
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
