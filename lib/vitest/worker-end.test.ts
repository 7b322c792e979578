import { describe, expect, it } from 'vitest'
import { onWorkerEnd, runWorkerEndHooks, workerEndSignal } from './worker-end.ts'

describe('the end of a worker', () => {
  it('runs all hooks side by side, past those that fail or hang, within its deadline', async () => {
    const done: string[] = []
    onWorkerEnd(async () => {
      throw new Error('cannot')
    })
    onWorkerEnd(() => new Promise(() => {}))
    onWorkerEnd(async (reason) => void done.push(reason))
    const forget = onWorkerEnd(async () => void done.push('forgotten'))
    forget()
    expect(workerEndSignal().aborted).toBe(false)
    await runWorkerEndHooks('the runner is gone', '50ms')
    expect(done).toEqual(['the runner is gone'])
    expect(workerEndSignal().aborted).toBe(true)
  })
})
