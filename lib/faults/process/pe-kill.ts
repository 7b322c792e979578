import { eventually } from '../../core/index.ts'
import { apiUndo, undoProgram } from '../api/api-undo.ts'
import { serviceIsBack } from '../api/service.ts'
import { nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { carriesService, findPe, peName, peParams, type PeParams } from './pe-target.ts'
import { SIGNAL_SCRIPT } from './process-script.ts'

/** The process of a PE is killed; the platform restarts the PE. */
export const peKillKind = defineFault({
  kind: 'pe-kill',
  summary: 'The process of a PE is killed (SIGKILL); the platform starts it anew.',
  params: peParams,
  capabilities: ['processes', 'management'],
  blastRadius: 'process',
  endsByItself: true,
  target: peName,
  affects: ({ dc }) => dc,

  survey: async (context, params) => ({ target: await findPe(context, params), program: await undoProgram() }),

  plan: (context, { dc }, { target, program }) => ({
    steps: [
      {
        host: dc,
        do: { command: { script: SIGNAL_SCRIPT, args: [target.pid, target.startTime, 'KILL'] } },
        // The platform restarts it by itself, but gives up after a number of times.
        ...apiUndo(context, dc, program, { startInstance: false, submit: false }),
      },
    ],
    effect: `Process ${target.pid} (PE ${target.pe}, ${target.commandLine}) is gone; PE ${target.pe} is started anew.`,
    outage: carriesService(context, target) ? [dc] : [],
  }),

  async confirm(context, { dc }, { target }, injected) {
    const { management } = context.clients[dc]
    const seen = await eventually(
      async (signal) => {
        const pe = await management.pe(target.pe, { signal })
        const launchCount = pe.launchCount ?? 0
        const isAnother = launchCount > target.launchCount || pe.processId !== target.pid
        return isAnother || pe.status !== 'running'
          ? { done: true, value: { status: pe.status, launchCount, pid: pe.processId ?? null } }
          : {
              done: false,
              seen: `PE ${pe.id} is ${pe.status} with process ${pe.processId}, launched ${launchCount} times`,
            }
      },
      { within: '15s', every: '10ms', signal: context.signal, describe: `the platform to miss process ${target.pid}` },
    )
    // The script has waited until the process was gone.
    const outage = injected.steps[0]?.at
    return { ...(outage ? { outage } : {}), evidence: { killed: target.pid, ...seen.value } }
  },

  confirmHealed: (context, { dc }) => serviceIsBack(context, dc),
})

/** Kills the process of a PE, as a crash would. The platform starts it anew; healing sees to it that it did. */
export function peKill(dc: DcRef, pe: PeParams['pe']): Fault {
  return peKillKind.with({ dc: nameOf(dc), pe })
}
