import { z } from 'zod'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { orLabGone } from '../lab-control.ts'
import { listed } from './find.ts'
import { SIGNAL_SCRIPT } from './process-script.ts'
import { allStopped, observeAll } from './process-states.ts'
import {
  asParams,
  findTarget,
  inWords,
  namesOnePlace,
  ONE_PLACE,
  processName,
  processShape,
  triples,
  type ProcessTarget,
} from './process-target.ts'

/** Processes that a pattern finds are stopped, and go on when it is healed. */
export const processHangKind = defineFault({
  kind: 'process-hang',
  summary:
    'A process that a pattern finds on a host is stopped (SIGSTOP): it lives, holds its connections, and does nothing.',
  params: z.strictObject(processShape).refine(namesOnePlace, ONE_PLACE),
  capabilities: ['processes'],
  blastRadius: 'process',
  target: (params) => processName(params),
  affects: ({ dc }) => dc,

  async survey(context, params) {
    const found = await findTarget(context, params)
    const stopped = (await observeAll(context, found)).filter(({ states }) =>
      states.some((state) => /^[Tt]/.test(state)),
    )
    if (stopped.length === 0) return found
    throw new FaultTargetError(`Stopped already, by somebody else:\n${listed(stopped.map(({ process }) => process))}`, {
      remedy: 'Let it continue first (kill -CONT): healing would continue what somebody else has stopped.',
    })
  },

  plan: ({ environment }, _params, found) => ({
    steps: found.hosts.map(({ host, processes }) => ({
      host,
      do: { command: { script: SIGNAL_SCRIPT, args: ['STOP', ...triples(processes, { marks: true })] } },
      undo: orLabGone(environment, {
        script: SIGNAL_SCRIPT,
        args: ['CONT', ...triples(processes, { marks: false })],
      }),
    })),
    effect: `Stopped, without any CPU time: ${inWords(found.all)}.`,
    outage: [],
  }),

  async confirm(context, _params, found) {
    await allStopped(context, found)
    return { evidence: { stopped: found.all.map(({ host, pid }) => `${host} ${pid}`) } }
  },

  stillOn: (context, _params, found) => allStopped(context, found),

  async confirmHealed(context, _params, found) {
    const seen = await observeAll(context, found)
    const stopped = seen.filter(({ states }) => /^[Tt]/.test(states[1]))
    if (stopped.length > 0) {
      throw new FaultTargetError(`Still stopped:\n${listed(stopped.map(({ process }) => process))}`)
    }
    const gone = seen.filter(({ states }) => states[1] === 'gone').length
    return { evidence: { continued: seen.length - gone, gone } }
  },
})

/**
 * Stops a process that a pattern finds, as a hang would: nothing is closed, nothing is answered. Heals by letting exactly that
 * process go on.
 * @example processHang({ dc: 'east', pattern: 'streams-data-exchange' })
 */
export function processHang(target: ProcessTarget): Fault {
  return processHangKind.with(asParams(target))
}
