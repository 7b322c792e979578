import { z } from 'zod'
import { eventually, messageOf, type Interval } from '../../core/index.ts'
import { RequestTimeoutError, UnreachableError } from '../../streams/index.ts'
import { serviceIsBack } from '../api/service.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext, InjectedSteps } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { orLabGone } from '../lab-control.ts'
import type { DcName } from '../../history/index.ts'

/** Everything of a data centre goes down at once, without a word to anyone. */
export const dataCenterCrashKind = defineFault({
  kind: 'data-center-crash',
  summary: 'Everything of a data centre loses power at once.',
  params: z.strictObject({ dc: dcParam }),
  capabilities: ['power'],
  blastRadius: 'data-center',
  target: ({ dc }) => dc,
  affects: ({ dc }) => dc,

  async survey(context, { dc }) {
    const { power } = context.environment.dcs[dc]
    if (!power) {
      throw new FaultTargetError(`${dc} cannot be powered off: the environment has no commands for it.`, {
        remedy: `Set FAILOVER_${dc.toUpperCase()}_POWER_OFF and FAILOVER_${dc.toUpperCase()}_POWER_ON, or use dataCenterIsolated, which needs hosts with a shell only.`,
      })
    }
    // A data centre that is down already would "confirm" a crash that never happened.
    await context.clients[dc].management.root({ signal: context.signal })
    return power
  },

  plan: ({ environment }, { dc }, power) => ({
    steps: [{ host: 'runner', do: { command: power.off }, undo: orLabGone(environment, power.on) }],
    effect: `No service of ${dc} answers, and no process of it lives.`,
    outage: [dc],
  }),

  async confirm(context, { dc }, _power, injected) {
    const silent = await eventually(
      async () => {
        const answers = await whatAnswers(context, dc)
        return answers.length === 0
          ? { done: true, value: true }
          : { done: false, seen: `${answers.join(' and ')} still answer` }
      },
      { within: '20s', every: '50ms', signal: context.signal, describe: `${dc} to answer nothing` },
    )
    const outage = offBetween(injected)
    return {
      ...(outage ? { outage } : {}),
      evidence: { answers: [], silentAt: silent.at.latest, by: outage ? 'kill(2) of the lab' : 'power command' },
    }
  },

  confirmHealed: (context, { dc }) => serviceIsBack(context, dc),
})

/** The crash of a whole data centre: all of it at once, nobody is told. Heals by powering it on. */
export function dataCenterCrash(dc: DcRef): Fault {
  return dataCenterCrashKind.with({ dc: nameOf(dc) })
}

/** The services of a data centre that answer on a new connection. */
async function whatAnswers({ clients, signal }: FaultContext, dc: DcName): Promise<string[]> {
  const once = { attempts: 1, within: '2s', signal } as const
  const { management, data } = clients[dc]
  const calls = { management: management.root(once), data: data.discover(once) }
  const answered = await Promise.all(
    Object.entries(calls).map(async ([name, call]) => {
      try {
        await call
        return [name]
      } catch (error) {
        if (error instanceof UnreachableError || error instanceof RequestTimeoutError) return []
        return [`${name} (${messageOf(error)})`]
      }
    }),
  )
  return answered.flat()
}

const powerOff = z.object({ offBetween: z.tuple([z.number(), z.number()]) })

/** When the power really went, as a lab tells it: monotonic milliseconds of this machine around the system calls. */
function offBetween({ at, steps }: InjectedSteps): Interval | undefined {
  const printed = steps[0]?.result?.stdout.trim() ?? ''
  if (!printed.startsWith('{')) return undefined
  const [earliest, latest] = powerOff.parse(JSON.parse(printed)).offBetween
  const isOurs = earliest >= at.earliest && latest <= at.latest
  return isOurs ? { earliest, latest } : undefined
}
