import type { FaultContext, HostName } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { leaseDirectoryOf } from '../lease-path.ts'
import { factsOf, hostOf, lookAt } from './host-target.ts'
import { DIRECTORY_SCRIPT, WRITE_SCRIPT } from './owner-script.ts'

/** What a survey finds of a directory on a host. */
export interface DirectoryFacts {
  readonly host: HostName
  /** Without symbolic links. */
  readonly path: string
  readonly owner: { readonly uid: number; readonly gid: number; readonly user: string }
  /** Permissions, octal. */
  readonly mode: string
  readonly inode: string
  /** Numbers of the device that it lies on; 0 and something where it is none of the machine's. */
  readonly device: { readonly major: number; readonly minor: number }
  /** It is where a file system begins. */
  readonly isOwnFileSystem: boolean
  /** The leases of the host lie on the same file system. */
  readonly holdsLeases: boolean
  /** As the host calls it: `ext2/ext3`, `xfs`, `tmpfs`, `nfs`. */
  readonly fileSystem: string
  /** Bytes that everybody may still use, and that root may. */
  readonly availableBytes: number
  readonly freeBytes: number
  readonly hasFallocate: boolean
  /** We may mount there. */
  readonly mayMount: boolean
  /** Our user id. */
  readonly me: number
}

/**
 * Looks at a directory of a host.
 * @throws FaultTargetError if there is none, it cannot be written to by us, or nothing can be done in its owner's name, so that no
 * effect could be measured
 */
export async function surveyDirectory(context: FaultContext, host: HostName, path: string): Promise<DirectoryFacts> {
  hostOf(context, host)
  const args = [path, leaseDirectoryOf(context.environment, host)]
  const said = await lookAt(context, host, { script: DIRECTORY_SCRIPT, args })
  const fact = factsOf(said.stdout)
  if (fact('there') !== 'yes') {
    throw new FaultTargetError(
      fact('there') === ''
        ? `${host} did not tell about ${path}: ${said.stderr.trim()}`
        : `${path} on ${host} is ${fact('there') === 'no' ? 'not there' : 'no directory'}.`,
      { remedy: 'Name a directory that is there.' },
    )
  }
  if (fact('setsid') === '' && fact('perl') === '') {
    throw new FaultTargetError(`${host} has neither setsid nor perl, so nothing of ours can outlive our connection.`)
  }
  const owner = { uid: Number(fact('uid')), gid: Number(fact('gid')), user: fact('user') || fact('uid') }
  const me = Number(fact('me'))
  if (fact('asOwner') !== 'yes') {
    throw new FaultTargetError(
      `${path} on ${host} belongs to ${owner.user}, and we (user ${me}) cannot write in that name, so no effect could be measured.`,
      { remedy: 'Log in as root or as the owner, or set sudo for this host.' },
    )
  }
  const device = Number.parseInt(fact('device'), 16)
  return {
    host,
    path: fact('real'),
    owner,
    mode: fact('mode'),
    inode: fact('inode'),
    device: {
      major: Math.floor(device / 256) % 4096,
      minor: (device % 256) + Math.floor(device / 2 ** 20) * 256,
    },
    isOwnFileSystem: fact('device') !== fact('parentDevice'),
    holdsLeases: fact('device') === fact('leaseDevice'),
    fileSystem: fact('type'),
    availableBytes: Number(fact('available')),
    freeBytes: Number(fact('free')),
    hasFallocate: fact('fallocate') === 'yes',
    mayMount: fact('mayMount') === 'yes' && fact('mount') === 'yes' && fact('umount') === 'yes',
    me,
  }
}

/** What came of an attempt to write: nothing, or why it was refused (`ENOSPC`, `EROFS`, `EACCES`, `EDQUOT`, or what was said). */
export type WriteOutcome = { readonly wrote: true } | { readonly wrote: false; readonly why: string }

/** Writes a file into a directory in the name of its owner, and removes it. */
export async function tryToWrite(
  context: FaultContext,
  { host, path }: Pick<DirectoryFacts, 'host' | 'path'>,
  bytes: number,
): Promise<WriteOutcome> {
  const { stdout, stderr, code } = await lookAt(context, host, {
    script: WRITE_SCRIPT,
    args: [path, context.id, String(bytes)],
  })
  if (stdout.trim() === 'wrote') return { wrote: true }
  const [, why] = /^refused (.*)$/s.exec(stdout.trim()) ?? []
  if (why !== undefined) return { wrote: false, why: why.trim() }
  throw new FaultTargetError(
    `Whether ${path} on ${host} can be written to was not told: ${stderr.trim() || `exit ${code}`}.`,
  )
}

/** @throws FaultTargetError if a write is refused */
export async function mustWrite(
  context: FaultContext,
  directory: Pick<DirectoryFacts, 'host' | 'path'>,
  bytes: number,
): Promise<void> {
  const outcome = await tryToWrite(context, directory, bytes)
  if (outcome.wrote) return
  throw new FaultTargetError(`A write to ${directory.path} on ${directory.host} is refused: ${outcome.why}.`)
}

/** @throws FaultTargetError if a write is not refused for one of these reasons */
export async function mustRefuse(
  context: FaultContext,
  directory: Pick<DirectoryFacts, 'host' | 'path'>,
  bytes: number,
  reasons: readonly string[],
): Promise<string> {
  const outcome = await tryToWrite(context, directory, bytes)
  if (!outcome.wrote && reasons.includes(outcome.why)) return outcome.why
  const said = outcome.wrote ? 'works' : `fails for another reason: ${outcome.why}`
  throw new FaultTargetError(`A write to ${directory.path} on ${directory.host} in the name of its owner ${said}.`)
}
