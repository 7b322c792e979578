import type { CallOptions } from './connection.ts'
import type { DialectCall } from './dialect.ts'
import { peSchema, type Pe } from './elements.ts'
import { readJob } from './jobs.ts'
import { change } from './lifecycle.ts'
import type { ChangeOptions, ManagementClient, Ref } from './management.ts'
import { callOf, type Navigator } from './navigation.ts'

/** The collection of PEs. */
export const PES = { key: 'pes', schema: peSchema }

type PeCalls = Pick<ManagementClient, 'pes' | 'pe' | 'stopPe' | 'startPe' | 'restartPe'>

/** A PE by element or id. */
export function readPe(navigator: Navigator, pe: Ref, options: CallOptions = {}): Promise<Pe> {
  const link = async (): Promise<string> => navigator.link(await navigator.instance(undefined, options), 'pes')
  return navigator.element(pe, PES, 'PE', link, options)
}

/** PE calls. */
export function peCalls(navigator: Navigator): PeCalls {
  const { dc, dialect } = navigator.transport

  const turn = async (
    ref: Ref,
    call: DialectCall,
    goal: { readonly done: (pe: Pe, before: Pe) => boolean; readonly text: string; readonly repeatable: boolean },
    options: ChangeOptions = {},
  ): Promise<Pe> => {
    const before = await readPe(navigator, ref, callOf(options))
    return change(
      navigator,
      {
        element: before,
        call,
        repeatable: goal.repeatable,
        read: (inner) => readPe(navigator, before, inner),
        done: (pe) => goal.done(pe, before),
        seen: (pe) => `PE ${pe.id} is ${pe.status} (${pe.statusReason}), launch ${pe.launchCount ?? '?'}`,
        describe: `PE ${before.id} of ${dc} to ${goal.text}`,
      },
      options,
    )
  }

  return {
    pes: ({ job, ...options } = {}) =>
      navigator.list(
        PES,
        async () => {
          const call = callOf(options)
          return navigator.link(
            job === undefined ? await navigator.instance(undefined, call) : await readJob(navigator, job, call),
            'pes',
          )
        },
        options,
      ),
    pe: (pe, options) => readPe(navigator, pe, options),
    stopPe: (pe, options) =>
      turn(
        pe,
        dialect.calls.stopPe,
        { done: (now) => now.status === 'stopped', text: 'be stopped', repeatable: true },
        options,
      ),
    startPe: (pe, options) =>
      turn(
        pe,
        dialect.calls.startPe,
        { done: (now) => now.status === 'running', text: 'be running', repeatable: true },
        options,
      ),
    // A second restart would restart it again, so it is sent once and watched for.
    restartPe: (pe, options) =>
      turn(pe, dialect.calls.restartPe, { done: restarted, text: 'be running again', repeatable: false }, options),
  }
}

function restarted(pe: Pe, before: Pe): boolean {
  if (pe.status !== 'running') return false
  if (typeof pe.launchCount === 'number' && typeof before.launchCount === 'number')
    return pe.launchCount > before.launchCount
  return pe.processId !== before.processId
}
