import type { Vitest } from 'vitest/node'
import { messageOf, now } from '../core/index.ts'

/** Signals that end a run in order. */
export type EndSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP'

const EXIT_CODE: Record<EndSignal, number> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }

/** npm and npx deliver a Ctrl-C twice (npm/cli#6743): a repetition within this time is an echo, a later one means it. */
const ECHO_MS = 1000

/** What the signals have done so far. */
export interface SignalWatch {
  /** The signal that cancelled the run. */
  readonly received: EndSignal | undefined
  /** Cancels again: Vitest forgets a cancellation that comes before its pool works. */
  recancel(): void
}

/** The part of Vitest that is needed to cancel a run. */
export type Cancellable = Pick<Vitest, 'cancelCurrentRun' | 'exit'> & { readonly config: { readonly watch: boolean } }

interface Watch extends SignalWatch {
  received: EndSignal | undefined
}

const KEY = Symbol.for('streams-failover.signals')
const holder: typeof globalThis & { [KEY]?: Watch } = globalThis

/**
 * Takes SIGINT, SIGTERM and SIGHUP over from Vitest, whose own handlers exit at once and leave workers that go on to their next
 * test. The first signal cancels the run: tests are aborted, faults healed, fixtures released, the report written; the process
 * ends with 130, 143 or 129. An echo within a second is ignored, a later signal exits at once. Call it when Vitest is up
 * (`onInit` of a reporter, or a global setup); further calls change nothing.
 */
export function takeOverSignals(vitest: Cancellable, print: (line: string) => void = printLine): SignalWatch {
  const known = holder[KEY]
  if (known) return known
  let firstAt = 0
  const cancel = (): void => {
    vitest
      .cancelCurrentRun('keyboard-input')
      // In watch mode nothing else would end the process.
      .then(() => (vitest.config.watch ? vitest.exit(true) : undefined))
      .catch((error: unknown) => print(`cannot cancel the run: ${messageOf(error)}`))
  }
  const watch: Watch = {
    received: undefined,
    recancel: () => {
      // A cancellation on top of one that is under way would make Vitest force the workers to end.
      if (watch.received && Reflect.get(vitest, 'isCancelling') !== true) cancel()
    },
  }
  holder[KEY] = watch
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.removeAllListeners(signal)
    process.on(signal, () => {
      if (watch.received === undefined) {
        watch.received = signal
        firstAt = now()
        // Vitest sets 1 for a run that did not pass; the last listener has the last word.
        process.on('exit', () => (process.exitCode = EXIT_CODE[signal]))
        print(`${signal}: cancelling the run and healing what is broken. Signal again to leave at once.`)
        cancel()
      } else if (now() - firstAt > ECHO_MS) {
        print(`${signal} again: leaving at once. Workers heal on their own, leases undo the rest.`)
        process.exit(EXIT_CODE[signal])
      }
    })
  }
  return watch
}

function printLine(line: string): void {
  process.stderr.write(`\n${line}\n`)
}
