import { z } from 'zod'
import { eventually } from '../../core/index.ts'
import { apiUndo, undoProgram } from '../api/api-undo.ts'
import { serviceIsBack } from '../api/service.ts'
import { nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import type { DcName } from '../../history/index.ts'
import { hostOfApiUndo, hostsOf, killAgain, killsAgain, knownFromOthers } from './kill-again.ts'
import { killOfPe } from './kill-of-pe.ts'
import { carriesService, findPe, peName, peParams, type PeParams, type PeTarget } from './pe-target.ts'
import { noWorkers } from './worker.ts'

/** The process of a PE is killed, and again whenever the platform starts it anew. */
export const peKeptDownKind = defineFault({
  kind: 'pe-kept-down',
  summary: 'The process of a PE is killed (SIGKILL), and again as soon as the platform has started it anew.',
  params: peParams.extend({ pattern: z.string().min(1).exactOptional() }),
  capabilities: ['processes', 'management'],
  blastRadius: 'process',
  target: (params) => peName(params),
  affects: ({ dc }) => dc,

  async survey(context, params) {
    const target = await findPe(context, params)
    const { program } = await knownFromOthers(context, params.dc, target, params.pattern)
    return { target, program, undo: await undoProgram() }
  },

  plan: (context, { dc, pattern }, { target, program, undo }) => ({
    steps: [
      {
        host: hostOfApiUndo(context, target),
        do: killOfPe(target),
        // The platform gives up after a number of times.
        ...apiUndo(context, dc, undo, { startInstance: false, submit: false }),
      },
      // The platform may start it on another host.
      ...hostsOf(context, dc).map((host) =>
        killAgain(context, host, {
          program,
          commandLine: target.commandLine,
          mark: target.mark,
          ...(pattern === undefined ? {} : { pattern }),
        }),
      ),
    ],
    effect: `PE ${target.pe} (process ${target.pid} on ${target.host}, ${target.commandLine}) is down, and whatever has ${pattern === undefined ? 'its command line' : `a command line that matches ${pattern}`} on ${hostsOf(context, dc).join(', ')} is killed until this is healed.`,
    outage: carriesService(context, target) ? [dc] : [],
  }),

  async confirm(context, { dc }, { target }, injected) {
    const { management } = context.clients[dc]
    const down = await eventually(
      async (signal) => {
        const pe = await management.pe(target.pe, { signal })
        const again = await killsAgain(context, hostsOf(context, dc))
        const isDown = pe.status !== 'running' && (again > 0 || pe.status === 'stopped')
        return isDown
          ? { done: true, value: { status: pe.status, launchCount: pe.launchCount ?? 0, killedAgain: again } }
          : { done: false, seen: `PE ${pe.id} is ${pe.status} as process ${pe.processId}, killed again ${again} times` }
      },
      { within: '25s', every: '50ms', signal: context.signal, describe: `PE ${target.pe} to be kept down` },
    ).catch((cause: unknown) => {
      throw new FaultTargetError(`PE ${target.pe} of ${dc} does not stay down.`, {
        remedy: 'If the platform starts it with another command line, give a pattern that matches each of them.',
        cause,
      })
    })
    const outage = injected.steps[0]?.at
    return { ...(outage ? { outage } : {}), evidence: { killed: target.pid, host: target.host, ...down.value } }
  },

  async stillOn(context, { dc }, { target }) {
    await killsAgain(context, hostsOf(context, dc))
    await isDown(context, dc, target)
  },

  async confirmHealed(context, { dc }) {
    for (const host of hostsOf(context, dc)) await noWorkers(context, host)
    return serviceIsBack(context, dc)
  },
})

/**
 * Kills the process of a PE and keeps it down: it is killed again, by a process of its host, as soon as the platform has started it
 * anew. It is known by its command line; `pattern` (an extended regular expression) is for platforms that start it with another one
 * each time. Healing ends that, and sees to it that the PE runs.
 */
export function peKeptDown(dc: DcRef, pe: PeParams['pe'], options: { readonly pattern?: string } = {}): Fault {
  return peKeptDownKind.with({ dc: nameOf(dc), pe, ...options })
}

/** A PE that is kept down is seen running for a moment at most. */
async function isDown(context: FaultContext, dc: DcName, target: PeTarget): Promise<void> {
  await eventually(
    async (signal) => {
      const { status, processId } = await context.clients[dc].management.pe(target.pe, { signal })
      return status === 'running'
        ? { done: false, seen: `it runs as process ${processId}` }
        : { done: true, value: status }
    },
    { within: '3s', every: '50ms', signal: context.signal, describe: `PE ${target.pe} to be down` },
  )
}
