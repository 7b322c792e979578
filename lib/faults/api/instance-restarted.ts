import { z } from 'zod'
import { eventually } from '../../core/index.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { apiUndo, undoProgram } from './api-undo.ts'
import { healthyJob, offersEndpoints, serviceIsBack } from './service.ts'

/** The Streams instance of a data centre is stopped and started again through the management API. */
export const instanceRestartedKind = defineFault({
  kind: 'instance-restarted',
  summary: 'The instance of a data centre is stopped and started again; it comes back without its jobs.',
  params: z.strictObject({ dc: dcParam }),
  capabilities: ['management'],
  blastRadius: 'instance',
  target: ({ dc }) => dc,
  affects: ({ dc }) => dc,

  survey: async (context, { dc }) => ({
    job: (await healthyJob(context, dc)).id,
    startTime: (await context.clients[dc].management.instance(undefined, { signal: context.signal })).startTime ?? null,
    program: await undoProgram(),
  }),

  plan: (context, { dc }, { program }) => {
    const { instance } = context.environment.dcs[dc]
    return {
      steps: [
        {
          host: 'runner',
          do: {
            call: `stop of the instance ${instance} at ${dc}`,
            run: async ({ clients, signal }) =>
              void (await clients[dc].management.stopInstance({ signal, within: '50s' })),
          },
          ...apiUndo(context, dc, program, { startInstance: true, submit: true }),
        },
        {
          host: 'runner',
          do: {
            call: `start of the instance ${instance} at ${dc}`,
            run: async ({ clients, signal }) =>
              void (await clients[dc].management.startInstance({ signal, within: '50s' })),
          },
          // One undo does it all.
          undo: ['true'],
        },
      ],
      effect: `The instance of ${dc} runs anew, without the jobs that it had.`,
      outage: [dc],
    }
  },

  async confirm(context, { dc }, { job, startTime }, injected) {
    const { management } = context.clients[dc]
    const { job: name } = context.environment.dcs[dc].application
    const anew = await eventually(
      async (signal) => {
        const instance = await management.instance(undefined, { signal })
        if (instance.status !== 'running') return { done: false, seen: `the instance is ${instance.status}` }
        if (startTime !== null && instance.startTime === startTime) {
          return { done: false, seen: 'the instance runs since the time that it did before' }
        }
        const found = await management.findJob(name, { signal })
        if (found) return { done: false, seen: `the job ${found.id} is ${found.status}` }
        if (await offersEndpoints(context, dc, name)) return { done: false, seen: 'endpoints are still offered' }
        return { done: true, value: instance.startTime ?? null }
      },
      { within: '25s', every: '10ms', signal: context.signal, describe: `the instance of ${dc} to run anew` },
    )
    const { latest } = injected.steps[0]?.at ?? injected.at
    return {
      outage: { earliest: injected.at.earliest, latest },
      evidence: { jobBefore: job, started: [startTime, anew.value] },
    }
  },

  confirmHealed: (context, { dc }) => serviceIsBack(context, dc),
})

/**
 * Stops the instance of a data centre and starts it again, as for maintenance. Its jobs do not come back by that: service ends
 * with the stop, and the heal submits the job.
 *
 * By the toolkit's rules: the peer declares it down after (M-1)·P to (M+1)·P and takes over what it holds of its snapshots;
 * healed earlier than that, the peer notices nothing, and the state that was in memory is lost.
 */
export function instanceRestarted(dc: DcRef): Fault {
  return instanceRestartedKind.with({ dc: nameOf(dc) })
}
