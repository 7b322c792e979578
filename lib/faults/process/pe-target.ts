import { z } from 'zod'
import type { DcName } from '../../history/index.ts'
import type { Operator, Pe } from '../../streams/index.ts'
import { healthyJob, isNamed } from '../api/service.ts'
import { dcParam } from '../data-center.ts'
import type { FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { IDENTIFY_SCRIPT } from './process-script.ts'

/** Which PE: the one that runs an operator (full name, or its last part), or the one with an index within the job. */
export const peParams = z.strictObject({
  dc: dcParam,
  pe: z.union([z.strictObject({ operator: z.string().min(1) }), z.strictObject({ index: z.int().nonnegative() })]),
})

/** See {@link peParams}. */
export type PeParams = z.infer<typeof peParams>

/** A PE with the process that runs it. */
export interface PeTarget {
  readonly job: string
  readonly pe: string
  readonly launchCount: number
  readonly pid: string
  /** What tells the process from a later one of the same pid. */
  readonly startTime: string
  readonly commandLine: string
  /** The operators that run in it. */
  readonly operators: readonly string[]
}

/** `east/Logic`, or `east/PE 2`. */
export function peName({ dc, pe }: PeParams): string {
  return `${dc}/${'operator' in pe ? pe.operator : `PE ${pe.index}`}`
}

/**
 * Finds a PE by REST, and its process on its host.
 * @throws FaultTargetError if there is no such PE, or no such process
 */
export async function findPe(context: FaultContext, { dc, pe }: PeParams): Promise<PeTarget> {
  const { management } = context.clients[dc]
  const { signal } = context
  const job = await healthyJob(context, dc)
  const [pes, operators] = await Promise.all([
    management.pes({ job, signal }).then((found) => found),
    management.operators({ job, signal }).then((found) => found),
  ])
  const found = pes.find((candidate) =>
    'index' in pe
      ? candidate.indexWithinJob === pe.index
      : operators.some((operator) => isNamed(operator.name, pe.operator) && runsIn(operator, candidate)),
  )
  if (!found) {
    const known = operators.map(({ name }) => name).join(', ') || 'none'
    throw new FaultTargetError(`The job ${job.name} at ${dc} has no PE for ${peName({ dc, pe })}.`, {
      remedy: 'operator' in pe ? `Its operators: ${known}.` : `It has ${pes.length} PEs, counted from 0.`,
    })
  }
  return {
    job: job.id,
    pe: found.id,
    launchCount: found.launchCount ?? 0,
    ...(await identify(context, dc, found)),
    operators: operators.filter((operator) => runsIn(operator, found)).map(({ name }) => name),
  }
}

/** True if service of a data centre's own work goes through the PE: it runs more than the failover toolkit. */
export function carriesService({ environment }: Pick<FaultContext, 'environment'>, target: PeTarget): boolean {
  const { operatorPrefix, dcs } = environment
  const { special } = dcs.east.application.operators
  return target.operators.some((name) => !name.startsWith(`${operatorPrefix}.`) && !isNamed(name, special))
}

async function identify(
  context: FaultContext,
  dc: DcName,
  pe: Pe,
): Promise<Pick<PeTarget, 'pid' | 'startTime' | 'commandLine'>> {
  const pid = pe.processId ?? ''
  if (!/^[1-9]\d*$/.test(pid) || pid === '1') {
    throw new FaultTargetError(
      `PE ${pe.id} at ${dc} is ${pe.status} and has no process (processId ${JSON.stringify(pid)}).`,
      {
        remedy: 'Wait until it runs.',
      },
    )
  }
  const shell = context.shell(dc)
  const said = await shell.run({ script: IDENTIFY_SCRIPT, args: [pid] }, { within: '10s', signal: context.signal })
  const [startTime = '', ...commandLine] = said.stdout.trim().split('\n')
  if (said.code === 0 && startTime !== '') return { pid, startTime, commandLine: commandLine.join('\n') }
  throw new FaultTargetError(
    `PE ${pe.id} at ${dc} has process ${pid} by REST, but ${shell.name} has none of that pid.`,
    {
      remedy: 'Check that the shell of this data centre is on the host that runs the PE.',
    },
  )
}

function runsIn(operator: Operator, pe: Pe): boolean {
  if (!operator.pe) return false
  return operator.pe === pe.self || operator.pe.split('/').at(-1) === (pe.restid ?? pe.id)
}
