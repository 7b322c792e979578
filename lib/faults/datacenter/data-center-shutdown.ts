import { z } from 'zod'
import { eventually } from '../../core/index.ts'
import { serviceIsBack } from '../api/service.ts'
import { cancelStep, messageStep, SHUTDOWN_MESSAGE, surveyShutdown } from '../api/shutdown-message.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext } from '../definition.ts'

/** A whole data centre is taken down as planned. */
export const dataCenterShutdownKind = defineFault({
  kind: 'data-center-shutdown',
  summary:
    'A data centre is taken down as planned: its toolkit says goodbye, its job is cancelled, its instance stopped.',
  params: z.strictObject({ dc: dcParam }),
  capabilities: ['management', 'data'],
  blastRadius: 'data-center',
  target: ({ dc }) => dc,
  affects: ({ dc }) => dc,

  survey: (context, { dc }) => surveyShutdown(context, dc),

  plan: (context, { dc }, facts) => ({
    steps: [
      messageStep(context, dc, facts, { startInstance: true, submit: true }),
      cancelStep(dc, facts),
      {
        host: 'runner',
        do: {
          call: `stop of the instance ${context.environment.dcs[dc].instance} at ${dc}`,
          run: async ({ clients, signal }: FaultContext) =>
            void (await clients[dc].management.stopInstance({ signal, within: '50s' })),
        },
        // One undo does it all.
        undo: ['true'],
      },
    ],
    effect: `The toolkit of ${dc} has told its peer, its job is gone, and its instance is stopped.`,
    outage: [dc],
  }),

  async confirm(context, { dc }, facts, injected) {
    const { management } = context.clients[dc]
    // Its metrics went with the job; the first step has seen that the message was taken.
    const message = injected.steps[0]?.at ?? injected.at
    const stopped = await eventually(
      async (signal) => {
        const { status } = await management.instance(undefined, { signal })
        return status === 'stopped' ? { done: true, value: status } : { done: false, seen: `the instance is ${status}` }
      },
      { within: '25s', every: '10ms', signal: context.signal, describe: `the instance of ${dc} to be stopped` },
    )
    return {
      injected: message,
      outage: injected.steps[1]?.at ?? injected.at,
      evidence: { message: SHUTDOWN_MESSAGE, messageAt: { ...message }, job: facts.job, instance: stopped.value },
    }
  },

  confirmHealed: (context, { dc }) => serviceIsBack(context, dc),
})

/**
 * Takes a whole data centre down as planned, in the order that an operator would: its toolkit is told to shut down and tells its
 * peer, then the job is cancelled, then the instance stopped. `injected` of the fault is when the toolkit was told, `outage` when
 * the job ended. Heals by starting the instance and submitting the job.
 *
 * By the toolkit's rules: the peer deletes the snapshots that it holds as soon as it is told, so nothing is taken over; that the
 * data centre is down it declares M·P to (M+1)·P after the last heartbeat, no sooner than after a crash.
 */
export function dataCenterShutdown(dc: DcRef): Fault {
  return dataCenterShutdownKind.with({ dc: nameOf(dc) })
}
