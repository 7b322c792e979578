import { z } from 'zod'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext, FaultStep, PlanContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { leasePath } from '../lease-path.ts'
import { GO_FILE } from '../process/worker-script.ts'
import { mustRefuse, mustWrite, surveyDirectory, type DirectoryFacts } from './directory.ts'
import { fillable, fillStep, isFull, isRoomy, pathParam } from './disk-full.ts'
import { hostName, hostOf, hostParam, lookAt, type HostRef } from './host-target.ts'
import { NO_WRITE_SCRIPT, READ_ONLY_SCRIPT, TINY_SCRIPT, UNMOUNT_SCRIPT, WRITE_AGAIN_SCRIPT } from './mount-script.ts'
import { formatBytes } from './size.ts'

/** How the directory is made unusable, by what the host allows. */
type Way = 'bind' | 'chmod' | 'fill' | 'tiny'

/** The directory of snapshots of a host cannot be written to. */
export const snapshotDirectoryKind = defineFault({
  kind: 'snapshot-directory',
  summary: 'The directory of a host in which the toolkit keeps its snapshots is full, or read-only.',
  params: z.strictObject({ host: hostParam, mode: z.enum(['full', 'read-only']), path: pathParam.exactOptional() }),
  capabilities: ['resources'],
  blastRadius: 'host',
  target: ({ host, path, mode }) => `${host}:${path ?? 'snapshots'} (${mode})`,
  affects: () => undefined,

  async survey(context, { host, mode, path }) {
    const directory = path ?? hostOf(context, host).snapshotDirectory
    if (directory === undefined) {
      throw new FaultTargetError(`The environment does not tell where ${host} keeps snapshots.`, {
        remedy: 'Give a path, or set the snapshot directory of this host.',
      })
    }
    const facts = await surveyDirectory(context, host, directory)
    await mustWrite(context, facts, PROBE_BYTES)
    return { facts, way: mode === 'full' ? await wayToFill(context, facts) : wayToProtect(facts) }
  },

  plan: (context, _params, { facts, way }) => ({
    steps: [stepOf(context, facts, way)],
    effect: `${facts.owner.user} cannot write to ${facts.path} on ${facts.host}: ${EXPLAINED[way]}`,
    outage: [],
  }),

  confirm: async (context, _params, { facts, way }) => ({ evidence: await refused(context, facts, way) }),
  stillOn: async (context, _params, { facts, way }) => void (await refused(context, facts, way)),

  async confirmHealed(context, _params, { facts, way }) {
    if (way === 'fill') return isRoomy(context, facts, 0)
    await mustWrite(context, facts, PROBE_BYTES)
    const now = await surveyDirectory(context, facts.host, facts.path)
    if (now.inode === facts.inode && now.mode === facts.mode) {
      return { evidence: { path: facts.path, mode: now.mode, writes: true } }
    }
    throw new FaultTargetError(
      `${facts.path} on ${facts.host} is not what it was: mode ${now.mode} instead of ${facts.mode}.`,
    )
  },
})

/**
 * Makes the directory of a host in which the toolkit keeps its snapshots full or read-only, for everybody who opens files there from
 * now on. Files that are open already can still be written to.
 */
export function snapshotDirectory(
  host: HostRef,
  options: {
    readonly mode: 'full' | 'read-only'
    /** Default: the snapshot directory of the host. */
    readonly path?: string
  },
): Fault {
  return snapshotDirectoryKind.with({ host: hostName(host), ...options })
}

const PROBE_BYTES = 64 * 1024
/** What is copied at most into a file system of our own. */
const MOST_CONTENT = 32 * 1024 ** 2

const EXPLAINED: Readonly<Record<Way, string>> = {
  bind: 'it is mounted over itself, read-only. A reboot ends that.',
  chmod:
    'nobody has the right to write there; its subdirectories are not touched. A reboot does not end that, the next sweep does.',
  fill: 'the file system that it is has no space left. A reboot ends that.',
  tiny: 'a file system without space, with a copy of its content, is mounted over it; what is removed or changed there meanwhile comes back with the heal. A reboot ends that.',
}

/** Where a path can be written as the kernel writes mounts. */
const MOUNTABLE = /^[^\s\\#]+$/

function wayToProtect(facts: DirectoryFacts): Way {
  const { host, path, owner, mayMount } = facts
  if (mayMount && MOUNTABLE.test(path)) return 'bind'
  if (owner.uid !== 0) return 'chmod'
  throw new FaultTargetError(
    `${path} on ${host} cannot be made read-only: ${mayMount ? 'its name has characters that mounts are not written with' : 'we may not mount there'}, and it belongs to root, whom permissions do not bind.`,
    { remedy: 'Log in with the right to mount (CAP_SYS_ADMIN), or run the toolkit as another user than root.' },
  )
}

async function wayToFill(context: FaultContext, facts: DirectoryFacts): Promise<Way> {
  const { host, path, isOwnFileSystem, mayMount } = facts
  if (isOwnFileSystem) {
    await fillable(context, facts, 0)
    return 'fill'
  }
  if (!mayMount || !MOUNTABLE.test(path)) {
    throw new FaultTargetError(
      `${path} on ${host} is no file system of its own, so filling it would fill more, and ${mayMount ? 'its name has characters that mounts are not written with' : 'we may not mount there'}.`,
      { remedy: 'Put it on a file system of its own, or log in with the right to mount (CAP_SYS_ADMIN).' },
    )
  }
  const said = await lookAt(context, host, { script: 'du -sk -- "$1" | cut -f 1', args: [path] })
  const bytes = Number(said.stdout.trim()) * 1024
  if (said.stdout.trim() !== '' && bytes <= MOST_CONTENT) return 'tiny'
  throw new FaultTargetError(
    `${path} on ${host} holds ${formatBytes(bytes)}, too much to be copied (${formatBytes(MOST_CONTENT)}).`,
    { remedy: 'Put it on a file system of its own, which can be filled.' },
  )
}

function stepOf(context: PlanContext, facts: DirectoryFacts, way: Way): FaultStep {
  const { host, path, owner, mode, inode } = facts
  const lease = leasePath(context.environment, context.id, host)
  const undoFiles = [{ name: GO_FILE, content: '' }]
  const unmount = { script: UNMOUNT_SCRIPT, args: [path] }
  switch (way) {
    case 'fill':
      return fillStep(context, facts, 0, undefined)
    case 'bind':
      return { host, do: { command: { script: READ_ONLY_SCRIPT, args: [path, lease] } }, undo: unmount, undoFiles }
    case 'tiny': {
      const most = String(2 * MOST_CONTENT)
      const args = [path, lease, context.id, String(owner.uid), String(owner.gid), mode, most]
      return { host, do: { command: { script: TINY_SCRIPT, args } }, undo: unmount, undoFiles }
    }
    case 'chmod': {
      const without = (Number.parseInt(mode, 8) & ~0o222).toString(8)
      return {
        host,
        do: { command: { script: NO_WRITE_SCRIPT, args: [path, inode, mode] } },
        undo: { script: WRITE_AGAIN_SCRIPT, args: [path, inode, mode, without] },
      }
    }
  }
}

const REASON: Readonly<Record<Exclude<Way, 'fill'>, string>> = { bind: 'EROFS', chmod: 'EACCES', tiny: 'ENOSPC' }

/** Measures that a write in the owner's name is refused for the reason that was planned. */
async function refused(context: FaultContext, facts: DirectoryFacts, way: Way) {
  if (way === 'fill') return { way, ...(await isFull(context, facts, 0)) }
  const why = await mustRefuse(context, facts, PROBE_BYTES, [REASON[way]])
  return { way, path: facts.path, owner: facts.owner.user, refused: why }
}
