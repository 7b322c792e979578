import { z } from 'zod'
import { eventually } from '../../core/index.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { apiUndo, undoProgram } from './api-undo.ts'
import { healthyJob, offersEndpoints, serviceIsBack, unlessUnanswered } from './service.ts'

/** The Streams instance of a data centre is stopped through the management API. */
export const instanceStoppedKind = defineFault({
  kind: 'instance-stopped',
  summary: 'The instance of a data centre is stopped, and its jobs with it.',
  params: z.strictObject({ dc: dcParam }),
  capabilities: ['management'],
  blastRadius: 'instance',
  target: ({ dc }) => dc,
  affects: ({ dc }) => dc,

  survey: async (context, { dc }) => ({ job: (await healthyJob(context, dc)).id, program: await undoProgram() }),

  plan: (context, { dc }, { program }) => ({
    steps: [
      {
        host: 'runner',
        do: {
          call: `stop of the instance ${context.environment.dcs[dc].instance} at ${dc}`,
          run: async ({ clients, signal }) =>
            void (await clients[dc].management.stopInstance({ signal, within: '50s' })),
        },
        ...apiUndo(context, dc, program, { startInstance: true, submit: true }),
      },
    ],
    effect: `The instance of ${dc} is stopped; its management API still answers.`,
    outage: [dc],
  }),

  async confirm(context, { dc }, _facts, injected) {
    const { management } = context.clients[dc]
    const { job } = context.environment.dcs[dc].application
    const stopped = await eventually(
      async (signal) => {
        const { status } = await management.instance(undefined, { signal })
        if (status !== 'stopped') return { done: false, seen: `the instance is ${status}` }
        if (await offersEndpoints(context, dc, job)) return { done: false, seen: 'endpoints are still offered' }
        return { done: true, value: status }
      },
      { within: '30s', every: '10ms', signal: context.signal, describe: `the instance of ${dc} to be stopped` },
    )
    return {
      outage: { earliest: injected.at.earliest, latest: stopped.at.latest },
      evidence: { status: stopped.value },
    }
  },

  stillOn: (context, { dc }) =>
    unlessUnanswered(async () => {
      const { status } = await context.clients[dc].management.instance(undefined, { signal: context.signal })
      if (status !== 'stopped')
        throw new FaultTargetError(`Somebody has started the instance of ${dc}: it is ${status}.`)
    }),

  confirmHealed: (context, { dc }) => serviceIsBack(context, dc),
})

/**
 * Stops the instance of a data centre. Heals by starting it and submitting the job again.
 *
 * By the toolkit's rules: its jobs end with the instance and say nothing to the peer, which declares the data centre down after
 * (M-1)·P to (M+1)·P and takes over what it holds of its snapshots.
 */
export function instanceStopped(dc: DcRef): Fault {
  return instanceStoppedKind.with({ dc: nameOf(dc) })
}
