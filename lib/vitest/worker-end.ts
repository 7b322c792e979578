import { formatMs, messageOf, toMs, type Duration } from '../core/index.ts'

/** What to do when the worker must end although its test is not over: heal, and be quick. */
export type WorkerEndHook = (reason: string) => Promise<void>

interface WorkerState {
  readonly hooks: Set<WorkerEndHook>
  readonly ending: AbortController
  guarded: boolean
}

// The setup file and the fixtures may be loaded as separate instances of this module.
const KEY = Symbol.for('streams-failover.worker')
const holder: typeof globalThis & { [KEY]?: WorkerState } = globalThis
const state = (): WorkerState => (holder[KEY] ??= { hooks: new Set(), ending: new AbortController(), guarded: false })

/** How long all hooks together may take before the worker kills itself. Leases undo what was not healed by then. */
const HOOKS_WITHIN: Duration = '10s'

/**
 * Registers what must be undone if the process that runs the tests loses its parent. Such a worker would otherwise go on to its
 * next test. Returns the function that takes the hook away again.
 */
export function onWorkerEnd(hook: WorkerEndHook): () => void {
  const { hooks } = state()
  hooks.add(hook)
  return () => void hooks.delete(hook)
}

/** Aborted as soon as the worker must end: give it to every wait, and do not break anything any more once it is. */
export function workerEndSignal(): AbortSignal {
  return state().ending.signal
}

/**
 * Guards a worker process against interruption, once per process: it leaves signals to the main process, which cancels the run in
 * order, and when the main process is gone it heals and then kills itself.
 */
export function guardWorker(): void {
  const worker = state()
  if (worker.guarded) return
  worker.guarded = true
  // Ctrl-C reaches the whole process group; Vitest's pool ends idle workers by SIGTERM and, half a second later, by SIGKILL.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  process.once('disconnect', () => {
    void runWorkerEndHooks('the runner is gone').finally(() => process.kill(process.pid, 'SIGKILL'))
  })
}

/** Runs all hooks side by side, at most for ten seconds, and tells stderr what could not be done. Used by {@link guardWorker}. */
export async function runWorkerEndHooks(reason: string, within: Duration = HOOKS_WITHIN): Promise<void> {
  const { hooks, ending } = state()
  ending.abort(new Error(reason))
  const pending = new Set(hooks)
  const all = Promise.all(
    [...hooks].map(async (hook) => {
      try {
        await hook(reason)
      } catch (error) {
        process.stderr.write(`could not heal after ${reason}: ${messageOf(error)}\n`)
      }
      pending.delete(hook)
    }),
  )
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<void>((resolve) => (timer = setTimeout(resolve, toMs(within))))
  await Promise.race([all, deadline])
  clearTimeout(timer)
  hooks.clear()
  if (pending.size > 0) {
    process.stderr.write(
      `${pending.size} of the worker's hooks did not end within ${formatMs(toMs(within))} after ${reason}; leases heal the rest\n`,
    )
  }
}
