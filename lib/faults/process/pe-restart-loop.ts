import { z } from 'zod'
import { eventually, formatMs, isDuration, toMs, type Duration } from '../../core/index.ts'
import { apiUndo, undoProgram } from '../api/api-undo.ts'
import { serviceIsBack } from '../api/service.ts'
import { nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault } from '../definition.ts'
import { hostOfApiUndo, hostsOf, killAgain, killsAgain, knownFromOthers } from './kill-again.ts'
import { killOfPe, missedByPlatform } from './kill-of-pe.ts'
import { carriesService, findPe, peName, peParams, type PeParams } from './pe-target.ts'
import { noWorkers } from './worker.ts'

/** How often something is killed. */
export interface RestartLoopOptions {
  /** From one kill to the next; not before it is there again. */
  readonly every: Duration
  /** How often in all. Default: for as long as the fault is on. */
  readonly times?: number
}

/** {@link RestartLoopOptions} as parameters of a fault. */
export const loopParams = {
  every: z
    .custom<Duration>(isDuration, 'must be a duration, like 10s')
    .refine((every) => toMs(every) >= 100, 'must be 100ms or more'),
  times: z.int().positive().exactOptional(),
}

/** Loops no slower than this are confirmed by their second kill. */
const QUICK_MS = 10_000

/** Whether the second kill of a loop is waited for. */
export function awaitsSecond({ every, times }: RestartLoopOptions): boolean {
  return times !== 1 && toMs(every) <= QUICK_MS
}

/** The process of a PE is killed again and again. */
export const peRestartLoopKind = defineFault({
  kind: 'pe-restart-loop',
  summary: 'The process of a PE is killed (SIGKILL) again and again; between the kills the platform starts it anew.',
  params: peParams.extend({ ...loopParams, pattern: z.string().min(1).exactOptional() }),
  capabilities: ['processes', 'management'],
  blastRadius: 'process',
  target: (params) => peName(params),
  affects: ({ dc }) => dc,

  async survey(context, params) {
    const target = await findPe(context, params)
    const { program } = await knownFromOthers(context, params.dc, target, params.pattern)
    return { target, program, undo: await undoProgram() }
  },

  plan: (context, { dc, every, times, pattern }, { target, program, undo }) => ({
    steps: [
      {
        host: hostOfApiUndo(context, target),
        do: killOfPe(target),
        ...apiUndo(context, dc, undo, { startInstance: false, submit: false }),
      },
      ...hostsOf(context, dc).map((host) =>
        killAgain(context, host, {
          every,
          program,
          commandLine: target.commandLine,
          mark: target.mark,
          ...(times === undefined ? {} : { times }),
          ...(pattern === undefined ? {} : { pattern }),
        }),
      ),
    ],
    effect: `PE ${target.pe} (process ${target.pid} on ${target.host}, ${target.commandLine}) is killed every ${formatMs(toMs(every))}${times === undefined ? ' until this is healed' : `, ${times} times in all`}.`,
    outage: carriesService(context, target) ? [dc] : [],
  }),

  async confirm(context, { dc, every, times }, { target }, injected) {
    const evidence = await missedByPlatform(context, dc, target)
    const hosts = hostsOf(context, dc)
    const outage = injected.steps[0]?.at
    if (!awaitsSecond({ every, ...(times === undefined ? {} : { times }) })) {
      await killsAgain(context, hosts)
      return { ...(outage ? { outage } : {}), evidence }
    }
    const again = await eventually(
      async () => {
        const count = await killsAgain(context, hosts)
        return count > 0 ? { done: true, value: count } : { done: false, seen: 'it was killed once' }
      },
      { within: '25s', every: '50ms', signal: context.signal, describe: `PE ${target.pe} to be killed a second time` },
    )
    return { ...(outage ? { outage } : {}), evidence: { ...evidence, killedAgain: again.value } }
  },

  stillOn: async (context, { dc }) => void (await killsAgain(context, hostsOf(context, dc))),

  async confirmHealed(context, { dc }) {
    for (const host of hostsOf(context, dc)) await noWorkers(context, host)
    return serviceIsBack(context, dc)
  },
})

/**
 * Kills the process of a PE every so often, by a process of its host, until it is healed or has been killed `times` times. Most
 * platforms give up after some restarts; then the PE stays down. It is known by its command line; `pattern` (an extended regular
 * expression) is for platforms that start it with another one each time.
 */
export function peRestartLoop(
  dc: DcRef,
  pe: PeParams['pe'],
  options: RestartLoopOptions & { readonly pattern?: string },
): Fault {
  return peRestartLoopKind.with({ dc: nameOf(dc), pe, ...options })
}
