import { z } from 'zod'
import { eventually, type Duration } from '../../core/index.ts'
import { defineFault } from '../define-fault.ts'
import type { Evidence, Fault, FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { leasePath } from '../lease-path.ts'
import { livingWorkers, noWorkers, workerStep } from '../process/worker.ts'
import { mustWrite, surveyDirectory, type DirectoryFacts } from './directory.ts'
import { pathParam } from './disk-full.ts'
import { DISK_MEASURE_SCRIPT, TURN_BYTES, WRITER } from './disk-script.ts'
import { factsOf, hostName, hostParam, longestParam, lookAt, type HostRef } from './host-target.ts'
import { formatBytes } from './size.ts'

/** The disk under a path is kept busy. */
export const diskIoKind = defineFault({
  kind: 'disk-io',
  summary: 'The disk that a path of a host lies on is kept busy with writes that must reach it.',
  params: z.strictObject({ host: hostParam, path: pathParam, workers: z.int().min(1).max(64), longest: longestParam }),
  capabilities: ['resources'],
  blastRadius: 'host',
  target: ({ host, path }) => `${host}:${path}`,
  affects: () => undefined,

  async survey(context, { host, path, workers }) {
    const facts = await surveyDirectory(context, host, path)
    const needed = (workers + 2) * TURN_BYTES
    if (facts.availableBytes < needed) {
      throw new FaultTargetError(
        `${path} on ${host} has ${formatBytes(facts.availableBytes)} free, and ${formatBytes(needed)} are needed.`,
        { remedy: 'Ask for fewer workers, or make room.' },
      )
    }
    if (/^(tmpfs|ramfs)$/.test(facts.fileSystem)) {
      throw new FaultTargetError(
        `${path} on ${host} lies in memory (${facts.fileSystem}): there is no disk to keep busy.`,
        {
          remedy: 'Name a path on a disk.',
        },
      )
    }
    await mustWrite(context, facts, 4096)
    return { directory: facts, before: await measure(context, facts, 5) }
  },

  plan: (context, { workers, longest }, { directory: { host, path } }) => ({
    steps: [
      workerStep(context, host, {
        program: WRITER,
        args: [path],
        directory: path,
        count: workers,
        ...(longest === undefined ? {} : { limit: longest }),
      }),
    ],
    effect: `${workers} ${workers === 1 ? 'process writes' : 'processes write'} ${formatBytes(TURN_BYTES)} to the disk of ${path} on ${host} again and again, and wait${workers === 1 ? 's' : ''} for it each time.`,
    outage: [],
  }),

  async confirm(context, { host, workers }, { directory, before }) {
    const seen = await eventually(
      async () => {
        await livingWorkers(context, host, workers)
        const now = await measure(context, directory, 10)
        if (now.bytesPerSecond <= 0) return { done: false, seen: 'nothing was written within a second' }
        if (now.busy !== null && now.busy < BUSY && now.busy <= (before.busy ?? 0)) {
          return { done: false, seen: `the disk ${now.device} is busy ${Math.round(now.busy * 100)} % of the time` }
        }
        return { done: true, value: now }
      },
      { within: '25s', every: '100ms', signal: context.signal, describe: `writes to the disk of ${directory.path}` },
    )
    return { evidence: { workers, busyBefore: before.busy, ...seen.value } }
  },

  stillOn: async (context, { host, workers }) => void (await livingWorkers(context, host, workers)),

  async confirmHealed(context, { host }, { directory }) {
    await noWorkers(context, host)
    const evidence: Evidence = { ...(await measure(context, directory, 5)) }
    return { evidence }
  },
})

/** What may be said of disk I/O beside host and path. */
export interface DiskIoOptions {
  readonly path: string
  /** How many write at the same time, 1 to 64. Default 2. */
  readonly workers?: number
  /** How long it lasts at most, whatever happens. Default 1 h. */
  readonly longest?: Duration
}

/** Keeps the disk busy that a directory of a host lies on. Takes 4 MB of space per worker, in files without a name. */
export function diskIo(host: HostRef, options: DiskIoOptions): Fault {
  const { workers = 2, ...rest } = options
  return diskIoKind.with({ host: hostName(host), workers, ...rest })
}

/** Share of the time above which a disk is busy. */
const BUSY = 0.5

interface DiskUse {
  /** What our workers wrote. */
  readonly bytesPerSecond: number
  /** Share of the time that the device was busy, 0 to 1; null where the system does not tell. */
  readonly busy: number | null
  readonly device: string | null
}

async function measure(context: FaultContext, facts: DirectoryFacts, tenths: number): Promise<DiskUse> {
  const lease = leasePath(context.environment, context.id, facts.host)
  const args = [lease, String(facts.device.major), String(facts.device.minor), String(tenths)]
  const fact = factsOf((await lookAt(context, facts.host, { script: DISK_MEASURE_SCRIPT, args })).stdout)
  const delta = (name: string): number => Number(fact(`${name}2`)) - Number(fact(name))
  const seconds = Math.max(0.01, delta('clock') / 100)
  return {
    bytesPerSecond: Math.round((delta('turns') * TURN_BYTES) / seconds),
    busy: fact('device') === '' ? null : Math.round(delta('busy') / seconds / 10) / 100,
    device: fact('device') || null,
  }
}
