import { z } from 'zod'
import { eventually, type Duration } from '../../core/index.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext, HostName } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { livingWorkers, markOfWorkers, noWorkers, workerStep } from '../process/worker.ts'
import { factsOf, hostName, hostOf, hostParam, longestParam, lookAt, type HostRef } from './host-target.ts'
import { EATER, MEMORY_MEASURE_SCRIPT, MEMORY_SURVEY_SCRIPT } from './memory-script.ts'
import { formatBytes, sizeParam, toBytes, type Size } from './size.ts'

/** What a host can give, before. */
interface MemoryFacts {
  readonly availableBytes: number
  /** A control group limits what we may take. */
  readonly limited: boolean
}

/** Less than this is not worth taking. */
const LEAST_BYTES = 16 * 1024 ** 2

/** Memory of a host is used up, down to a reserve. */
export const memoryPressureKind = defineFault({
  kind: 'memory-pressure',
  summary: 'Memory of a host is taken until only a reserve is available.',
  params: z.strictObject({
    host: hostParam,
    reserve: sizeParam('64mb'),
    limit: sizeParam('16mb').exactOptional(),
    longest: longestParam,
  }),
  capabilities: ['resources'],
  blastRadius: 'host',
  target: ({ host }) => host,
  affects: () => undefined,

  async survey(context, { host, reserve }): Promise<MemoryFacts> {
    hostOf(context, host)
    const fact = factsOf((await lookAt(context, host, { script: MEMORY_SURVEY_SCRIPT })).stdout)
    if (fact('missing') !== '') {
      throw new FaultTargetError(`Memory pressure needs ${fact('missing')}, which ${host} does not have.`)
    }
    const availableBytes = Number(fact('available')) * 1024
    if (availableBytes - toBytes(reserve) >= LEAST_BYTES) return { availableBytes, limited: fact('limited') !== '' }
    throw new FaultTargetError(
      `${host} has ${formatBytes(availableBytes)} of memory available, so nothing can be taken with a reserve of ${reserve}.`,
      { remedy: 'Ask for a smaller reserve, 64mb or more.' },
    )
  },

  plan: (context, { host, reserve, limit, longest }, { availableBytes }) => {
    const room = availableBytes - toBytes(reserve)
    const most = Math.min(room, limit === undefined ? room : toBytes(limit))
    return {
      steps: [
        workerStep(context, host, {
          program: EATER,
          // Without a limit of the caller's, what others give back is taken, too.
          args: [kib(toBytes(reserve)), kib(limit === undefined ? Number.MAX_SAFE_INTEGER / 1024 : toBytes(limit))],
          within: '50s',
          // Taking memory is work, and the lease must be renewed meanwhile.
          nice: 10,
          ...(longest === undefined ? {} : { limit: longest }),
        }),
      ],
      effect: `About ${formatBytes(most)} of the memory of ${host} are taken; ${reserve} stay available, and our processes are the first that the kernel would end.`,
      outage: [],
    }
  },

  async confirm(context, params, facts) {
    const { host } = params
    const seen = await eventually(
      async () => {
        const [worker] = await livingWorkers(context, host, 1)
        const now = await measure(context, host)
        const problem = missing(now, params, facts)
        const [, , givenBack = '0'] = worker?.told.split(' ') ?? []
        return problem === undefined
          ? { done: true, value: { ...now, givenBack: Number(givenBack) } }
          : { done: false, seen: problem }
      },
      { within: '20s', every: '200ms', signal: context.signal, describe: `the memory of ${host} to be taken` },
    )
    return { evidence: { availableBytesBefore: facts.availableBytes, limited: facts.limited, ...seen.value } }
  },

  async stillOn(context, { host }) {
    await livingWorkers(context, host, 1)
    const { heldBytes } = await measure(context, host)
    if (heldBytes < LEAST_BYTES / 2) {
      throw new FaultTargetError(`Our processes on ${host} hold ${formatBytes(heldBytes)} of memory only.`, {
        remedy: 'The kernel may have ended them for lack of memory: ask for a larger reserve.',
      })
    }
  },

  async confirmHealed(context, { host }, facts) {
    await noWorkers(context, host)
    const { availableBytes, heldBytes } = await measure(context, host)
    if (heldBytes > 0) {
      throw new FaultTargetError(`Processes of this fault still hold ${formatBytes(heldBytes)} of memory on ${host}.`)
    }
    return { evidence: { availableBytesBefore: facts.availableBytes, availableBytes, heldBytes } }
  },
})

/** What may be said of memory pressure beside the host. */
export interface MemoryPressureOptions {
  /** What stays available, 64 MB or more: less is given back at once. */
  readonly reserve: Size
  /** What is taken at most. Default: all but the reserve. */
  readonly limit?: Size
  /** How long it lasts at most, whatever happens. Default 1 h. */
  readonly longest?: Duration
}

/** Takes the memory of a host but for a reserve, as a leak would. A host's control groups count as its memory. */
export function memoryPressure(host: HostRef, options: MemoryPressureOptions): Fault {
  return memoryPressureKind.with({ host: hostName(host), ...options })
}

interface Memory {
  readonly availableBytes: number
  readonly heldBytes: number
}

async function measure(context: FaultContext, host: HostName): Promise<Memory> {
  const said = await lookAt(context, host, { script: MEMORY_MEASURE_SCRIPT, args: [markOfWorkers(context, host)] })
  const fact = factsOf(said.stdout)
  return { availableBytes: Number(fact('available')) * 1024, heldBytes: Number(fact('held')) * 1024 }
}

/** What is missing of the pressure that was asked for, or undefined. */
function missing(
  { availableBytes, heldBytes }: Memory,
  { reserve, limit }: { readonly reserve: Size; readonly limit?: Size },
  facts: MemoryFacts,
): string | undefined {
  const wanted = toBytes(reserve)
  const room = facts.availableBytes - wanted
  // Others take and give at the same time, and what is left in steps of 8 MB is not taken.
  const tolerance = 32 * 1024 ** 2 + wanted / 10
  const isAtLimit = limit !== undefined && toBytes(limit) <= room && heldBytes >= toBytes(limit) * 0.9
  if (!isAtLimit && availableBytes > wanted + tolerance) {
    return `${formatBytes(availableBytes)} are available, and ${reserve} should be; our processes hold ${formatBytes(heldBytes)}`
  }
  if (heldBytes < LEAST_BYTES / 2) return `our processes hold ${formatBytes(heldBytes)} only`
  return undefined
}

function kib(bytes: number): string {
  return String(Math.floor(bytes / 1024))
}
