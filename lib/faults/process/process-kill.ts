import { z } from 'zod'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { SIGNAL_SCRIPT } from './process-script.ts'
import { afterKill, allGone } from './process-states.ts'
import {
  asParams,
  findTarget,
  inWords,
  namesOnePlace,
  ONE_PLACE,
  processName,
  processShape,
  restartUndo,
  triples,
  type ProcessTarget,
} from './process-target.ts'

/** The command that starts a killed process again, as a parameter of a fault. */
export const restartShape = { restart: z.array(z.string()).min(1).exactOptional() }

/** What may be asked of a kill beside its target. */
export interface KillOptions {
  /**
   * Starts the process again when the fault is healed, as an argument vector for its host: run unless a process matches by then. It
   * must return, as `systemctl start` does. Default: whoever runs the process must start it.
   */
  readonly restart?: readonly string[]
}

/** Processes that a pattern finds are killed. */
export const processKillKind = defineFault({
  kind: 'process-kill',
  summary: 'A process that a pattern finds on a host is killed (SIGKILL).',
  params: z.strictObject({ ...processShape, ...restartShape }).refine(namesOnePlace, ONE_PLACE),
  capabilities: ['processes'],
  blastRadius: 'process',
  endsByItself: true,
  target: (params) => processName(params),
  affects: ({ dc }) => dc,

  survey: (context, params) => findTarget(context, params),

  plan: (context, { pattern, restart }, found) => ({
    steps: found.hosts.map(({ host, processes }) => ({
      host,
      do: { command: { script: SIGNAL_SCRIPT, args: ['KILL', ...triples(processes, { marks: true })] } },
      undo: restartUndo(context, host, pattern, restart),
    })),
    effect: `Gone: ${inWords(found.all)}. ${whoRestarts(restart)}`,
    outage: [],
  }),

  async confirm(context, _params, found) {
    await allGone(context, found)
    return { evidence: { killed: found.all.map(({ host, pid }) => `${host} ${pid}`) } }
  },

  confirmHealed: (context, { pattern, restart }, found) => afterKill(context, found, pattern, restart !== undefined),
})

/** What becomes of killed processes at the heal, for a plan. */
export function whoRestarts(restart: readonly string[] | undefined): string {
  if (restart) return `Healing runs ${restart.join(' ')} unless it is there again.`
  return 'Nothing is undone for that: whoever runs the process must start it again, unless a restart command is given.'
}

/**
 * Kills a process that a pattern finds, as a crash would. Healing starts it again only where it is told how.
 * @example processKill({ host: 'east-app1', pattern: 'streams-rest( |$)' }, { restart: ['systemctl', 'start', 'streams-rest'] })
 */
export function processKill(target: ProcessTarget, options: KillOptions = {}): Fault {
  return processKillKind.with({ ...asParams(target), ...(options.restart ? { restart: [...options.restart] } : {}) })
}
