import { z } from 'zod'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { apiUndo, undoProgram } from './api-undo.ts'
import { healthyJob, jobIsGone, serviceIsBack, unlessUnanswered } from './service.ts'

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
    const gone = await jobIsGone(context, dc, context.environment.dcs[dc].application.job)
    return { outage: { earliest: injected.at.earliest, latest: gone.latest }, evidence: { cancelled: job } }
  },

  stillOn: (context, { dc }) =>
    unlessUnanswered(async () => {
      const { job: name } = context.environment.dcs[dc].application
      const job = await context.clients[dc].management.findJob(name, { signal: context.signal })
      if (!job || job.status === 'canceled') return
      throw new FaultTargetError(`Somebody has submitted the job ${name} at ${dc} again: ${job.id}.`)
    }),

  confirmHealed: (context, { dc }) => serviceIsBack(context, dc),
})

/**
 * Cancels the job of a data centre. Heals by submitting the same bundle under the same name with the same parameters.
 *
 * By the toolkit's rules: nobody is told, so to the peer that is a crash: DOWN after (M-1)·P to (M+1)·P, then the takeover of
 * what it holds of the snapshots. Healed sooner, the peer notices nothing, and the state is lost.
 */
export function jobCancelled(dc: DcRef): Fault {
  return jobCancelledKind.with({ dc: nameOf(dc) })
}
