import { eventually } from '../../core/index.ts'
import { nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { carriesService, findPeElement, peName, peParams, type PeParams } from '../process/pe-target.ts'
import { apiUndo, undoProgram } from './api-undo.ts'
import { serviceIsBack, unlessUnanswered } from './service.ts'

/** A PE is stopped through the management API; the platform does not start it again. */
export const peStoppedKind = defineFault({
  kind: 'pe-stopped',
  summary: 'A PE is stopped through the management API, and stays stopped.',
  params: peParams,
  capabilities: ['management'],
  blastRadius: 'process',
  target: peName,
  affects: ({ dc }) => dc,

  survey: async (context, params) => ({ found: await findPeElement(context, params), program: await undoProgram() }),

  plan: (context, { dc }, { found, program }) => ({
    steps: [
      {
        host: 'runner',
        do: {
          call: `stop of PE ${found.element.id} (${found.operators.join(', ')}) at ${dc}`,
          run: async ({ clients, signal }) =>
            void (await clients[dc].management.stopPe(found.element, { signal, within: '50s' })),
        },
        ...apiUndo(context, dc, program, { startInstance: false, submit: false }),
      },
    ],
    effect: `PE ${found.element.id} of ${dc} is stopped by a user, has no process, and its job is not healthy.`,
    outage: carriesService(context, found) ? [dc] : [],
  }),

  async confirm(context, { dc }, { found }, injected) {
    const { management } = context.clients[dc]
    const before = found.element
    const stopped = await eventually(
      async (signal) => {
        const [pe, job] = await Promise.all([management.pe(before, { signal }), management.job(found.job, { signal })])
        if (pe.status !== 'stopped') return { done: false, seen: `PE ${pe.id} is ${pe.status}` }
        if (job.health === 'healthy') return { done: false, seen: `PE ${pe.id} is stopped, and the job is healthy` }
        return { done: true, value: { status: pe.status, reason: pe.statusReason, job: job.health } }
      },
      { within: '20s', every: '10ms', signal: context.signal, describe: `PE ${before.id} of ${dc} to be stopped` },
    )
    const outage = { earliest: injected.at.earliest, latest: Math.max(injected.at.latest, stopped.at.earliest) }
    return { outage, evidence: { pe: before.id, processBefore: before.processId ?? null, ...stopped.value } }
  },

  stillOn: (context, { dc }, { found }) =>
    unlessUnanswered(async () => {
      const { id, status } = await context.clients[dc].management.pe(found.element, { signal: context.signal })
      if (status !== 'stopped') throw new FaultTargetError(`Somebody has started PE ${id} of ${dc}: it is ${status}.`)
    }),

  confirmHealed: (context, { dc }) => serviceIsBack(context, dc),
})

/**
 * Stops a PE through the management API. Unlike one that crashed, the platform leaves it stopped. Heals by starting it.
 *
 * By the toolkit's rules: without the PE of the toolkit the data centre is deaf and mute, and its peer declares it down after
 * (M-1)·P to (M+1)·P; started again, it has forgotten that it ever saw its peer, and heartbeats. Without any other PE both
 * toolkits go on: no failover.
 */
export function peStopped(dc: DcRef, pe: PeParams['pe']): Fault {
  return peStoppedKind.with({ dc: nameOf(dc), pe })
}
