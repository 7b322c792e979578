import { z } from 'zod'
import { eventually, messageOf, type Duration } from '../../core/index.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext, FaultStep, PlanContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { livingWorkers, noWorkers, workerStep } from '../process/worker.ts'
import { mustRefuse, mustWrite, surveyDirectory, tryToWrite, type DirectoryFacts } from './directory.ts'
import { FILLER } from './disk-script.ts'
import { hostName, hostParam, longestParam, type HostRef } from './host-target.ts'
import { formatBytes, sizeParam, toBytes, type Size } from './size.ts'

/** A path on a host, as a parameter of a fault. */
export const pathParam = z.string().regex(/^\/[^\n\t\0]*$/, 'must be an absolute path')

/** A file system of a host is filled. */
export const diskFullKind = defineFault({
  kind: 'disk-full',
  summary: 'The file system that a path of a host lies on is filled, down to a reserve.',
  params: z.strictObject({ host: hostParam, path: pathParam, reserve: sizeParam('0kb'), longest: longestParam }),
  capabilities: ['resources'],
  blastRadius: 'host',
  target: ({ host, path }) => `${host}:${path}`,
  affects: () => undefined,

  survey: async (context, { host, path, reserve }) =>
    fillable(context, await surveyDirectory(context, host, path), toBytes(reserve)),

  plan: (context, { reserve, longest }, facts) => ({
    steps: [fillStep(context, facts, toBytes(reserve), longest)],
    effect: `The file system of ${facts.path} on ${facts.host} has ${reserve} left of ${formatBytes(spaceOf(facts))}; a write of more fails. What fills it is a file without a name: it goes with its process, so also with a reboot.`,
    outage: [],
  }),

  async confirm(context, { reserve }, facts) {
    return { evidence: await isFull(context, facts, toBytes(reserve)) }
  },

  stillOn: async (context, { reserve }, facts) => void (await isFull(context, facts, toBytes(reserve))),
  confirmHealed: (context, { reserve }, facts) => isRoomy(context, facts, toBytes(reserve)),
})

/** What may be said of a full disk beside host and path. */
export interface DiskFullOptions {
  /** What stays free. Default 1 MB: the lease of the fault may lie there, and has to be renewed. */
  readonly reserve?: Size
  /** How long it lasts at most, whatever happens. Default 1 h. */
  readonly longest?: Duration
}

/**
 * Fills the file system that a directory of a host lies on. Where the directory belongs to root, the blocks that only root may use
 * are filled, too.
 */
export function diskFull(host: HostRef, options: DiskFullOptions & { readonly path: string }): Fault {
  const { reserve = '1mb', ...rest } = options
  return diskFullKind.with({ host: hostName(host), reserve, ...rest })
}

const MB = 1024 ** 2
/** What has to be written where a file cannot be made long at once; more takes too long. */
const MOST_WRITTEN = 16 * 1024 * MB
/** Beside leases, so much must stay for them. */
const FOR_LEASES = 512 * 1024

/** Free bytes of a file system, as the owner of the directory may use them. */
export function spaceOf({ owner, availableBytes, freeBytes }: DirectoryFacts): number {
  return owner.uid === 0 ? freeBytes : availableBytes
}

/**
 * The facts of a directory, if its file system can be filled.
 * @throws FaultTargetError if there is not enough space to begin with, it would take too long, or it is not this machine's
 */
export async function fillable(context: FaultContext, facts: DirectoryFacts, reserve: number): Promise<DirectoryFacts> {
  const { host, path, fileSystem, hasFallocate, holdsLeases } = facts
  const space = spaceOf(facts)
  if (/^(nfs|cifs|smb|fuse|ceph|9p|v9fs)/.test(fileSystem)) {
    throw new FaultTargetError(`${path} on ${host} lies on ${fileSystem}: it would be full for others, too.`, {
      remedy: 'Name a path on a disk of that host.',
    })
  }
  if (holdsLeases && reserve < FOR_LEASES) {
    throw new FaultTargetError(`The leases of ${host} lie on the same file system as ${path}, and must be renewed.`, {
      remedy: `Keep a reserve of ${formatBytes(FOR_LEASES)} or more, or set another lease directory for this host.`,
    })
  }
  if (space < reserve + 2 * MB) {
    throw new FaultTargetError(
      `The file system of ${path} on ${host} has ${formatBytes(space)} free, so nothing can be filled with a reserve of ${formatBytes(reserve)}.`,
      { remedy: 'Ask for a smaller reserve, or make room.' },
    )
  }
  if (!hasFallocate && space - reserve > MOST_WRITTEN) {
    throw new FaultTargetError(
      `${host} has no fallocate, and ${formatBytes(space - reserve)} take too long to write.`,
      {
        remedy: 'Install util-linux there, or name a path on a smaller file system.',
      },
    )
  }
  await mustWrite(context, facts, 4096)
  return facts
}

/** The step that fills a file system. */
export function fillStep(
  context: PlanContext,
  facts: DirectoryFacts,
  reserve: number,
  longest: Duration | undefined,
): FaultStep {
  return workerStep(context, facts.host, {
    program: FILLER,
    args: [facts.path, String(reserve), facts.owner.uid === 0 ? 'all' : 'available'],
    directory: facts.path,
    within: '50s',
    nice: 10,
    ...(longest === undefined ? {} : { limit: longest }),
  })
}

/** Measures that a file system is full: by what it says of itself, and by a write in the owner's name that fails. */
export async function isFull(context: FaultContext, facts: DirectoryFacts, reserve: number) {
  const seen = await eventually(
    async () => {
      await livingWorkers(context, facts.host, 1)
      const space = spaceOf(await surveyDirectory(context, facts.host, facts.path))
      if (space > reserve + MB) return { done: false, seen: `${formatBytes(space)} are free` }
      const refused = await mustRefuse(context, facts, reserve + MB, ['ENOSPC'])
      return { done: true, value: { freeBytesBefore: spaceOf(facts), freeBytes: space, refused } }
    },
    { within: '10s', every: '200ms', signal: context.signal, describe: `${facts.path} on ${facts.host} to be full` },
  )
  return { path: facts.path, owner: facts.owner.user, ...seen.value }
}

/** Measures that a file system has room again. */
export async function isRoomy(context: FaultContext, facts: DirectoryFacts, reserve: number) {
  await noWorkers(context, facts.host)
  // What a large file held is given back little by little.
  const seen = await eventually(
    async () => {
      const outcome = await tryToWrite(context, facts, reserve + MB)
      return outcome.wrote ? { done: true, value: true } : { done: false, seen: outcome.why }
    },
    { within: '30s', every: '200ms', signal: context.signal, describe: `a write to ${facts.path} to work again` },
  ).catch((cause: unknown) => {
    throw new FaultTargetError(`${facts.path} on ${facts.host} is still full: ${messageOf(cause)}`, { cause })
  })
  const { availableBytes, freeBytes } = await surveyDirectory(context, facts.host, facts.path)
  return { evidence: { path: facts.path, writes: seen.value, availableBytes, freeBytes } }
}
