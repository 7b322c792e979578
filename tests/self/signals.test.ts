import { describe, expect, it } from 'vitest'
import { eventually, processExists } from '../../lib/core/index.ts'
import { runInline, type InlineResult } from './run-inline.ts'

/** A drill that is broken for ever, and one after it that must not begin. */
const SPEC = {
  'a.spec.ts': `
import { it } from '../../../tests/self/fake-drill.ts'
it('first', async ({ drill }) => { drill.inject(); await drill.hang() })
it('second', ({ drill }) => { drill.inject() })`,
}

const log = (run: InlineResult): readonly string[] => (run.read('log') ?? '').trim().split('\n')

/** The worker outlives a killed runner for as long as it heals. */
async function workerIsGone(pid: number): Promise<void> {
  await eventually(
    async () => (processExists(pid) ? { done: false, seen: `${pid} is alive` } : { done: true, value: undefined }),
    { within: '15s', every: '20ms', describe: `worker ${pid} to end` },
  )
}

describe('a run that is cut short during a fault', () => {
  for (const [signal, exitCode] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    it(`heals, reports and ends with ${exitCode} on ${signal} to the runner`, async () => {
      using run = await runInline(SPEC, { signalAfter: [{ file: 'fault-on', signal, to: 'runner' }] })
      expect(log(run), run.output).toEqual(['injected first', 'healed first'])
      expect(run.read('fault-on')).toBeUndefined()
      expect(run.exitCode).toBe(exitCode)
      expect(run.report).toMatchObject({ verdict: 'inconclusive', problems: [`interrupted: ${signal}`] })
      expect(run.report?.drills).toMatchObject([
        { name: 'first', verdict: 'inconclusive', classification: 'inconclusive', faults: [{ kind: 'fake' }] },
      ])
    })
  }

  it('does the same on Ctrl-C, which reaches the workers too', async () => {
    using run = await runInline(SPEC, { signalAfter: [{ file: 'fault-on', signal: 'SIGINT', to: 'group' }] })
    expect(log(run), run.output).toEqual(['injected first', 'healed first'])
    expect(run.exitCode).toBe(130)
    expect(run.report?.problems).toEqual(['interrupted: SIGINT'])
  })

  it('takes a second signal at once for an echo', async () => {
    const step = { file: 'fault-on', signal: 'SIGINT', to: 'runner' } as const
    using run = await runInline(SPEC, { signalAfter: [step, step] })
    expect(log(run), run.output).toEqual(['injected first', 'healed first'])
    expect(run.exitCode).toBe(130)
    expect(run.report?.verdict).toBe('inconclusive')
  })

  it('leaves at once on a later signal when a cleanup never ends, and the worker still heals', async () => {
    using run = await runInline(
      {
        'a.spec.ts': `
import { writeFileSync } from 'node:fs'
import { it as base } from '../../../tests/self/fake-drill.ts'
const it = base.extend('stuck', { auto: true }, ({ drill }, { onCleanup }) => {
  onCleanup(() => {
    setTimeout(() => writeFileSync('stuck', String(process.pid)), 1100)
    return new Promise(() => {})
  })
})
it('first', async ({ drill }) => { drill.inject(); await drill.hang() })
it('second', ({ drill }) => { drill.inject() })`,
      },
      {
        signalAfter: [
          { file: 'fault-on', signal: 'SIGINT', to: 'runner' },
          { file: 'stuck', signal: 'SIGINT', to: 'runner' },
        ],
        killAfterwards: false,
      },
    )
    await workerIsGone(Number(run.read('stuck')))
    expect(run.exitCode, run.output).toBe(130)
    expect(run.output).toContain('SIGINT again: leaving at once')
    expect(log(run)).toEqual(['injected first', 'healed first'])
    expect(run.read('fault-on')).toBeUndefined()
  })

  it('is healed by its worker when the runner is killed, and the worker ends', async () => {
    using run = await runInline(
      {
        'a.spec.ts': `
import { writeFileSync } from 'node:fs'
import { it } from '../../../tests/self/fake-drill.ts'
it('first', async ({ drill }) => { writeFileSync('worker', String(process.pid)); drill.inject(); await drill.hang() })
it('second', ({ drill }) => { drill.inject() })`,
      },
      { signalAfter: [{ file: 'fault-on', signal: 'SIGKILL', to: 'runner' }], killAfterwards: false },
    )
    await workerIsGone(Number(run.read('worker')))
    expect(run.signal).toBe('SIGKILL')
    expect(log(run)).toEqual(['injected first', 'healed first'])
    expect(run.read('fault-on')).toBeUndefined()
  })

  it('is inconclusive when a worker is killed, and what it was doing is told from its files', async () => {
    using run = await runInline(SPEC, { signalAfter: [{ file: 'fault-on', signal: 'SIGKILL', to: 'worker' }] })
    expect(run.exitCode, run.output).toBe(1)
    expect(run.report?.verdict).toBe('inconclusive')
    const first = run.report?.drills.filter(({ name }) => name === 'first')
    expect(first, run.reportText).toMatchObject([
      { verdict: 'inconclusive', classification: 'inconclusive', faults: [{ kind: 'fake', healed: null }] },
    ])
    expect(run.output).toContain('ended before it was judged')
  })
})
