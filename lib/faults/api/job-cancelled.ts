import { z } from 'zod'
import { eventually } from '../../core/index.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { apiUndo, undoProgram } from './api-undo.ts'
import { healthyJob, offersEndpoints, serviceIsBack } from './service.ts'

/** The job of a data centre is cancelled through the management API. */
export const jobCancelledKind = defineFault({
  kind: 'job-cancelled',
  summary: 'The job of a data centre is cancelled.',
  params: z.strictObject({ dc: dcParam }),
  capabilities: ['management'],
  blastRadius: 'job',
  target: ({ dc }) => dc,
  affects: ({ dc }) => dc,

  survey: async (context, { dc }) => ({ job: (await healthyJob(context, dc)).id, program: await undoProgram() }),

  plan: (context, { dc }, { job, program }) => ({
    steps: [
      {
        host: 'runner',
        do: {
          call: `DELETE of job ${job} (${context.environment.dcs[dc].application.job}) at ${dc}`,
          run: async ({ clients, signal }) => void (await clients[dc].management.cancelJob(job, { signal })),
        },
        ...apiUndo(context, dc, program, { startInstance: false, submit: true }),
      },
    ],
    effect: `${dc} runs no job ${context.environment.dcs[dc].application.job}, and offers no endpoints of it.`,
    outage: [dc],
  }),

  async confirm(context, { dc }, { job }, injected) {
    const { management } = context.clients[dc]
    const name = context.environment.dcs[dc].application.job
    const gone = await eventually(
      async (signal) => {
        const found = await management.findJob(name, { signal })
        if (found && found.status !== 'canceled') return { done: false, seen: `the job is ${found.status}` }
        if (await offersEndpoints(context, dc, name)) return { done: false, seen: 'its endpoints are still offered' }
        return { done: true, value: true }
      },
      { within: '30s', every: '10ms', signal: context.signal, describe: `the job ${name} to be gone from ${dc}` },
    )
    return { outage: { earliest: injected.at.earliest, latest: gone.at.latest }, evidence: { cancelled: job } }
  },

  confirmHealed: (context, { dc }) => serviceIsBack(context, dc),
})

/** Cancels the job of a data centre. Heals by submitting the same bundle under the same name with the same parameters. */
export function jobCancelled(dc: DcRef): Fault {
  return jobCancelledKind.with({ dc: nameOf(dc) })
}
