import { apiUndo, undoProgram } from '../api/api-undo.ts'
import { serviceIsBack } from '../api/service.ts'
import { nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { killOfPe, missedByPlatform } from './kill-of-pe.ts'
import { carriesService, findPe, peName, peParams, type PeParams } from './pe-target.ts'

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
        // The undo is a call to the management API, which the machine of the runner can make.
        host: 'runner',
        do: killOfPe(target),
        // The platform restarts it by itself, but gives up after a number of times.
        ...apiUndo(context, dc, program, { startInstance: false, submit: false }),
      },
    ],
    effect: `Process ${target.pid} (PE ${target.pe}, ${target.commandLine}) is gone; PE ${target.pe} is started anew.`,
    outage: carriesService(context, target) ? [dc] : [],
  }),

  async confirm(context, { dc }, { target }, injected) {
    const evidence = await missedByPlatform(context, dc, target)
    // The script has waited until the process was gone.
    const outage = injected.steps[0]?.at
    return { ...(outage ? { outage } : {}), evidence }
  },

  confirmHealed: (context, { dc }) => serviceIsBack(context, dc),
})

/** Kills the process of a PE, as a crash would. The platform starts it anew; healing sees to it that it did. */
export function peKill(dc: DcRef, pe: PeParams['pe']): Fault {
  return peKillKind.with({ dc: nameOf(dc), pe })
}
