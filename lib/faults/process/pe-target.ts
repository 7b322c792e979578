import { z } from 'zod'
import { redact } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import type { Operator, Pe } from '../../streams/index.ts'
import { healthyJob, isNamed } from '../api/service.ts'
import { dcParam } from '../data-center.ts'
import type { FaultContext, HostName } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { hostOfPe } from './pe-host.ts'
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
  /** The host that runs it. */
  readonly host: HostName
  readonly pid: string
  /** What tells the process from a later one of the same pid. */
  readonly startTime: string
  /** What tells its command line from another. */
  readonly mark: string
  readonly commandLine: string
  /** The operators that run in it. */
  readonly operators: readonly string[]
}

/** `east/Logic`, or `east/PE 2`. */
export function peName({ dc, pe }: PeParams): string {
  return `${dc}/${'operator' in pe ? pe.operator : `PE ${pe.index}`}`
}

/** A PE as the management API shows it. */
export interface PeElement {
  readonly job: string
  readonly element: Pe
  /** The operators that run in it. */
  readonly operators: readonly string[]
}

/**
 * Finds a PE by REST alone.
 * @throws FaultTargetError if there is no such PE
 */
export async function findPeElement(context: FaultContext, { dc, pe }: PeParams): Promise<PeElement> {
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
    element: found,
    operators: operators.filter((operator) => runsIn(operator, found)).map(({ name }) => name),
  }
}

/**
 * Finds a PE by REST, the host that runs it, and its process there.
 * @throws FaultTargetError if there is no such PE, host or process, or the process is not one of a PE
 */
export async function findPe(context: FaultContext, params: PeParams): Promise<PeTarget> {
  const { job, element, operators } = await findPeElement(context, params)
  const host = await hostOfPe(context, params.dc, element)
  const process = await identify(context, host.name, params.dc, element)
  const now = await context.clients[params.dc].management.pe(element, { signal: context.signal })
  if (now.processId !== element.processId || now.launchCount !== element.launchCount) {
    throw new FaultTargetError(
      `PE ${element.id} at ${params.dc} was started anew meanwhile: it was process ${element.processId}, and is ${now.processId}.`,
      { remedy: 'Wait until it runs steadily.' },
    )
  }
  return { job, pe: element.id, launchCount: element.launchCount ?? 0, host: host.name, ...process, operators }
}

/** True if service of a data centre's own work goes through the PE: it runs more than the failover toolkit. */
export function carriesService(
  { environment }: Pick<FaultContext, 'environment'>,
  target: Pick<PeTarget, 'operators'>,
): boolean {
  const { operatorPrefix, dcs } = environment
  const { special } = dcs.east.application.operators
  return target.operators.some((name) => !name.startsWith(`${operatorPrefix}.`) && !isNamed(name, special))
}

/** What the command line of a PE has in it: the word, the product's name, or that of its language. */
const OF_A_PE = /(^|[^a-z])pec?([^a-z]|$)|streams|(^|[^a-z])spl([^a-z]|$)/i

async function identify(
  context: FaultContext,
  host: HostName,
  dc: DcName,
  pe: Pe,
): Promise<Pick<PeTarget, 'pid' | 'startTime' | 'mark' | 'commandLine'>> {
  const pid = pe.processId ?? ''
  if (!/^[1-9]\d*$/.test(pid) || pid === '1') {
    throw new FaultTargetError(
      `PE ${pe.id} at ${dc} is ${pe.status} and has no process (processId ${JSON.stringify(pid)}).`,
      { remedy: 'Wait until it runs.' },
    )
  }
  const shell = context.shell(host)
  const said = await shell.run({ script: IDENTIFY_SCRIPT, args: [pid] }, { within: '30s', signal: context.signal })
  const [startTime = '', mark = '', ...rest] = said.stdout.trim().split('\n')
  const commandLine = rest.join('\n')
  if (said.code !== 0 || startTime === '') {
    throw new FaultTargetError(`PE ${pe.id} at ${dc} has process ${pid} by REST, but ${host} has none of that pid.`, {
      remedy: `Check that the host ${host} of the environment is the one that runs the PE.`,
    })
  }
  // What REST says of a process may be older than the process that has its pid now.
  if (OF_A_PE.test(commandLine)) return { pid, startTime, mark, commandLine }
  throw new FaultTargetError(
    `PE ${pe.id} at ${dc} has process ${pid} by REST, and on ${host} that is ${shown(commandLine)}, which is not a PE.`,
    {
      remedy: `Check that the host ${host} of the environment is the one that runs the PE; if it is, name the process by a pattern.`,
    },
  )
}

function shown(commandLine: string): string {
  const text = redact(commandLine)
  return commandLine === ''
    ? 'one without a command line'
    : JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)
}

function runsIn(operator: Operator, pe: Pe): boolean {
  if (!operator.pe) return false
  return operator.pe === pe.self || operator.pe.split('/').at(-1) === (pe.restid ?? pe.id)
}
