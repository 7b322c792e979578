import { eventually } from '../../core/index.ts'
import { nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { carriesService, findPeElement, peName, peParams, type PeParams } from '../process/pe-target.ts'
import { apiUndo, undoProgram } from './api-undo.ts'
import { serviceIsBack } from './service.ts'

/** A PE is restarted through the management API. */
export const peRestartedKind = defineFault({
  kind: 'pe-restarted',
  summary: 'A PE is restarted through the management API: another process, which begins with nothing in memory.',
  params: peParams,
  capabilities: ['management'],
  blastRadius: 'process',
  endsByItself: true,
  target: peName,
  affects: ({ dc }) => dc,

  survey: async (context, params) => ({ found: await findPeElement(context, params), program: await undoProgram() }),

  plan: (context, { dc }, { found, program }) => ({
    steps: [
      {
        host: 'runner',
        do: {
          call: `restart of PE ${found.element.id} (${found.operators.join(', ')}) at ${dc}`,
          // What became of it is for the confirmation to see.
          run: async ({ clients, signal }) =>
            void (await clients[dc].management.restartPe(found.element, { signal, within: '50s', wait: false })),
        },
        // The second half of a restart may fail.
        ...apiUndo(context, dc, program, { startInstance: false, submit: false }),
      },
    ],
    effect: `PE ${found.element.id} of ${dc} runs in another process, one launch later.`,
    outage: carriesService(context, found) ? [dc] : [],
  }),

  async confirm(context, { dc }, { found }, injected) {
    const { management } = context.clients[dc]
    const before = found.element
    const launched = before.launchCount ?? 0
    const options = { every: '10ms', signal: context.signal } as const
    const look = async (signal: AbortSignal) => {
      const pe = await management.pe(before, { signal })
      const isAnother = (pe.launchCount ?? 0) > launched || (pe.processId ?? '') !== (before.processId ?? '')
      const seen = `PE ${pe.id} is ${pe.status} with process ${pe.processId ?? '(none)'}, launched ${pe.launchCount ?? '?'} times`
      return { pe, isAnother, seen }
    }
    const ended = await eventually(
      async (signal) => {
        const { pe, isAnother, seen } = await look(signal)
        return isAnother || pe.status !== 'running' ? { done: true, value: seen } : { done: false, seen }
      },
      { ...options, within: '10s', describe: `PE ${before.id} of ${dc} to end` },
    )
    const back = await eventually(
      async (signal) => {
        const { pe, isAnother, seen } = await look(signal)
        return isAnother && pe.status === 'running' ? { done: true, value: pe } : { done: false, seen }
      },
      { ...options, within: '20s', describe: `PE ${before.id} of ${dc} to run in another process` },
    )
    const { launchCount, processId } = back.value
    return {
      outage: { earliest: injected.at.earliest, latest: ended.at.latest },
      evidence: {
        pe: before.id,
        processes: [before.processId ?? null, processId ?? null],
        launches: [launched, launchCount ?? null],
      },
    }
  },

  confirmHealed: (context, { dc }) => serviceIsBack(context, dc),
})

/**
 * Restarts a PE through the management API. What it held in memory is lost; healing sees to it that it runs.
 *
 * By the toolkit's rules: a restart of the toolkit's PE is over long before its peer would declare it down (that takes at least
 * (M-1)·P), so nothing fails over; but it forgets which snapshots it holds, and purges the stored ones at its first tick. Of the
 * application's PEs the state is lost, with no replica handed back.
 */
export function peRestarted(dc: DcRef, pe: PeParams['pe']): Fault {
  return peRestartedKind.with({ dc: nameOf(dc), pe })
}
