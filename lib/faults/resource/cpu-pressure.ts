import { z } from 'zod'
import { eventually, type Duration } from '../../core/index.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext, HostName } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { leasePath } from '../lease-path.ts'
import { livingWorkers, noWorkers, workerStep } from '../process/worker.ts'
import { BURNER, CPU_MEASURE_SCRIPT, CPU_SURVEY_SCRIPT } from './cpu-script.ts'
import { factsOf, hostName, hostOf, hostParam, longestParam, lookAt, type HostRef } from './host-target.ts'

/** What a host has of CPU. */
interface CpuFacts {
  /** Cores that we may run on. */
  readonly cores: number
  /** Cores of the machine. */
  readonly online: number
  /** What its control groups grant, in cores. */
  readonly quota: number | null
  /** Share of all cores that was idle before, 0 to 1. */
  readonly idle: number
}

/** CPU of a host is used up. */
export const cpuPressureKind = defineFault({
  kind: 'cpu-pressure',
  summary: 'Cores of a host are kept busy.',
  params: z.strictObject({
    host: hostParam,
    percent: z.int().min(5).max(100),
    cores: z.int().min(1).max(1024).exactOptional(),
    nice: z.int().min(0).max(19),
    longest: longestParam,
  }),
  capabilities: ['resources'],
  blastRadius: 'host',
  target: ({ host }) => host,
  affects: () => undefined,

  async survey(context, { host, cores }) {
    hostOf(context, host)
    const said = await lookAt(context, host, { script: CPU_SURVEY_SCRIPT })
    const fact = factsOf(said.stdout)
    if (fact('missing') !== '') {
      throw new FaultTargetError(`CPU pressure needs ${fact('missing')}, which ${host} does not have.`)
    }
    const found = Number(fact('cores'))
    if (cores !== undefined && cores > found) {
      throw new FaultTargetError(`${host} has ${found} cores for us, and ${cores} are to be kept busy.`, {
        remedy: `Ask for ${found} or fewer, or leave cores away for all.`,
      })
    }
    const quota = fact('quota') === '' ? null : Number(fact('quota')) / 100
    const { idle } = await measure(context, host, 3)
    return { cores: found, online: Number(fact('online')), quota, idle }
  },

  plan: (context, params, facts: CpuFacts) => {
    const { host, percent, nice, longest } = params
    const workers = params.cores ?? facts.cores
    return {
      steps: [
        workerStep(context, host, {
          program: BURNER,
          args: [String(percent)],
          count: workers,
          nice,
          ...(longest === undefined ? {} : { limit: longest }),
        }),
      ],
      effect: `${workers} ${workers === 1 ? 'process uses' : 'processes use'} ${percent} % of a core of ${host} each${nice > 0 ? `, at nice ${nice}` : ''}.`,
      outage: [],
    }
  },

  async confirm(context, params, facts) {
    const workers = params.cores ?? facts.cores
    const seen = await eventually(
      async () => {
        await livingWorkers(context, params.host, workers)
        const now = await measure(context, params.host, 10)
        const problem = missing(now, params, facts)
        return problem === undefined ? { done: true, value: now } : { done: false, seen: problem }
      },
      { within: '20s', every: '100ms', signal: context.signal, describe: `the CPU pressure on ${params.host}` },
    )
    const { idle, own } = seen.value
    return { evidence: { workers, idleBefore: round(facts.idle), idle: round(idle), coresUsedByUs: round(own) } }
  },

  stillOn: async (context, params, facts) =>
    void (await livingWorkers(context, params.host, params.cores ?? facts.cores)),

  async confirmHealed(context, { host }, facts) {
    await noWorkers(context, host)
    const { idle } = await measure(context, host, 3)
    return { evidence: { idleBefore: round(facts.idle), idle: round(idle), workers: 0 } }
  },
})

/** What may be said of CPU pressure beside the host. */
export interface CpuPressureOptions {
  /** Of each core, 5 to 100. Default 100. */
  readonly percent?: number
  /** How many cores are kept busy. Default: all. */
  readonly cores?: number
  /** 0 (as everybody) to 19 (only what nobody else wants). Default 0. */
  readonly nice?: number
  /** How long it lasts at most, whatever happens. Default 1 h. */
  readonly longest?: Duration
}

/** Keeps cores of a host busy, as a process gone wild would. */
export function cpuPressure(host: HostRef, options: CpuPressureOptions = {}): Fault {
  const { percent = 100, nice = 0, ...rest } = options
  return cpuPressureKind.with({ host: hostName(host), percent, nice, ...rest })
}

interface CpuUse {
  /** Share of all cores that is idle, 0 to 1. */
  readonly idle: number
  /** Cores that our workers use. */
  readonly own: number
}

async function measure(context: FaultContext, host: HostName, tenths: number): Promise<CpuUse> {
  const args = [leasePath(context.environment, context.id, host), String(tenths)]
  const said = await lookAt(context, host, { script: CPU_MEASURE_SCRIPT, args })
  const fact = factsOf(said.stdout)
  const delta = (name: string): number => Number(fact(`${name}2`)) - Number(fact(name))
  return { idle: delta('idle') / Math.max(1, delta('total')), own: delta('own') / Math.max(1, delta('clock')) }
}

/** Share of what was asked for that must be seen: others want the CPU, too, and a turn may lie across the end of a measurement. */
const ENOUGH = 0.75
/** And how much more than that: beyond it, the host is hurt more than it was said. */
const MOST = 1.5
/** Idle share below which the host has no CPU left for anybody. */
const SATURATED = 0.1

/** What is missing of the pressure that was asked for, or undefined. */
function missing(
  { idle, own }: CpuUse,
  { percent, cores }: { readonly percent: number; readonly cores?: number },
  facts: CpuFacts,
): string | undefined {
  const wanted = Math.min(((cores ?? facts.cores) * percent) / 100, facts.quota ?? Number.POSITIVE_INFINITY)
  const busy = (1 - idle) * facts.online
  if (busy < wanted * ENOUGH) {
    return `${busy.toFixed(2)} of ${facts.online} cores are busy, and ${wanted.toFixed(2)} should be`
  }
  if (own > wanted * MOST + 0.1)
    return `our workers use ${own.toFixed(2)} cores, and ${wanted.toFixed(2)} was asked for`
  if (own >= wanted * ENOUGH || (idle < SATURATED && own >= wanted / 10)) return undefined
  return `our workers use ${own.toFixed(2)} cores instead of ${wanted.toFixed(2)}`
}

function round(share: number): number {
  return Math.round(share * 1000) / 1000
}
