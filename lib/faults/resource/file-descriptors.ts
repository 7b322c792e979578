import { z } from 'zod'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { findProcesses, listed, type FoundProcess } from '../process/find.ts'
import { findTarget } from '../process/process-target.ts'
import { DESCRIPTOR_LIMIT_SCRIPT, DESCRIPTOR_SURVEY_SCRIPT, DESCRIPTOR_UNDO_SCRIPT } from './descriptor-script.ts'
import { factsOf, hostName, hostOf, hostParam, lookAt, type HostRef } from './host-target.ts'

/** A process runs out of file descriptors. */
export const fileDescriptorsKind = defineFault({
  kind: 'file-descriptors',
  summary: 'A process of a host can open no more files or connections (prlimit).',
  params: z
    .strictObject({
      host: hostParam,
      pattern: z.string().min(1).exactOptional(),
      pid: z.int().min(2).exactOptional(),
      spare: z.int().min(0).max(10_000),
    })
    .refine(({ pattern, pid }) => (pattern === undefined) !== (pid === undefined), 'name either a pattern or a pid'),
  capabilities: ['resources', 'processes'],
  blastRadius: 'host',
  target: ({ host, pattern, pid }) => `${host}/${pattern ?? `process ${pid}`}`,
  affects: () => undefined,

  async survey(context, { host, pattern, pid, spare }) {
    hostOf(context, host)
    const process =
      pattern === undefined ? await byPid(context, host, pid ?? 0) : await byPattern(context, host, pattern)
    const use = await look(context, process)
    if (!use) throw new FaultTargetError(`Process ${process.pid} on ${host} has ended meanwhile.`)
    if (!use.hasPrlimit) {
      throw new FaultTargetError(`${host} has no prlimit, which alone can set the limits of a running process.`, {
        remedy: 'Install util-linux there.',
      })
    }
    if (!use.maySet) {
      throw new FaultTargetError(`We may not set the limits of process ${process.pid} on ${host}.`, {
        remedy: 'Log in as root or as the user that runs it, or set sudo for this host.',
      })
    }
    if (use.next + spare >= use.soft) {
      throw new FaultTargetError(
        `Process ${process.pid} on ${host} has ${use.used} of ${use.soft} files open: it has no more than ${spare} left already.`,
      )
    }
    return { process, use }
  },

  plan: (_context, { host, spare }, { process: { pid, start, mark, commandLine }, use }) => ({
    steps: [
      {
        host,
        do: { command: { script: DESCRIPTOR_LIMIT_SCRIPT, args: [pid, start, mark, String(spare)] } },
        undo: { script: DESCRIPTOR_UNDO_SCRIPT, args: [pid, start, String(use.soft)] },
      },
    ],
    effect: `Process ${pid} on ${host} (${commandLine.slice(0, 80)}), which has ${use.used} of ${use.soft} files open, can open ${spare === 0 ? 'no' : spare} more. What it closes itself it can open again. Its limit is set; no other process is touched.`,
    outage: [],
  }),

  async confirm(context, { spare }, { process, use: before }, injected) {
    const limit = Number(injected.steps[0]?.result?.stdout.trim())
    const use = await limited(context, process, before.soft)
    if (use.soft !== limit) {
      throw new FaultTargetError(`Process ${process.pid} may open files up to ${use.soft}, and not up to ${limit}.`)
    }
    const { used, soft } = use
    return { evidence: { pid: process.pid, softBefore: before.soft, soft, used, spare } }
  },

  stillOn: async (context, _params, { process, use }) => void (await limited(context, process, use.soft)),

  async confirmHealed(context, _params, { process, use: before }) {
    const use = await look(context, process)
    if (!use) return { evidence: { pid: process.pid, gone: true } }
    if (use.soft === before.soft) return { evidence: { pid: process.pid, soft: use.soft, used: use.used } }
    throw new FaultTargetError(`Process ${process.pid} may still open files up to ${use.soft} only.`)
  },
})

/** Which process runs out of file descriptors, and how near. */
export type FileDescriptorsOptions = {
  /** How many it can still open. Default 0. */
  readonly spare?: number
} & (
  | {
      /** Extended regular expression over the whole command line; must match exactly one process. */
      readonly pattern: string
    }
  | { readonly pid: number }
)

/**
 * Lets a process of a host run out of file descriptors: its soft limit is set to what it has open, and set back when it is healed. A
 * process that raises its own limit escapes; the limit of the whole system is never touched, since root, and so our own way back,
 * would not be bound by it while all others are.
 */
export function fileDescriptors(host: HostRef, options: FileDescriptorsOptions): Fault {
  return fileDescriptorsKind.with({ host: hostName(host), spare: 0, ...options })
}

async function byPattern(context: FaultContext, host: string, pattern: string): Promise<FoundProcess> {
  const { all } = await findTarget(context, { host, pattern, all: false, group: false })
  const [only] = all
  if (only) return only
  throw new FaultTargetError(`No process on ${host} matches ${pattern}.`)
}

async function byPid(context: FaultContext, host: string, pid: number): Promise<FoundProcess> {
  const { matches, spared } = await findProcesses(context, host, '.', { pids: [String(pid)] })
  const [only] = matches
  if (only) return only
  throw new FaultTargetError(
    spared.length > 0 ? `This process is never touched:\n${listed(spared)}` : `${host} has no process ${pid}.`,
  )
}

interface Use {
  readonly soft: number
  readonly used: number
  /** The next descriptor that it would get. */
  readonly next: number
  readonly hasPrlimit: boolean
  readonly maySet: boolean
}

/** How many files a process has open, and may; undefined if it is gone. */
async function look(context: FaultContext, { host, pid, start }: FoundProcess): Promise<Use | undefined> {
  const said = await lookAt(context, host, { script: DESCRIPTOR_SURVEY_SCRIPT, args: [pid, start] })
  const fact = factsOf(said.stdout)
  if (fact('gone') !== '') return undefined
  const soft = fact('soft') === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(fact('soft'))
  if (soft > 0 && fact('used') !== '') {
    const next = Number(fact('next'))
    return {
      soft,
      used: Number(fact('used')),
      next,
      hasPrlimit: fact('prlimit') === 'yes',
      maySet: fact('maySet') === 'yes',
    }
  }
  throw new FaultTargetError(
    `What process ${pid} on ${host} has open cannot be read: ${said.stderr.trim() || 'no /proc'}.`,
    {
      remedy: 'Log in as root or as the user that runs it, or set sudo for this host.',
    },
  )
}

/** @throws FaultTargetError if a process is gone, or has got its limit back */
async function limited(context: FaultContext, process: FoundProcess, softBefore: number): Promise<Use> {
  const use = await look(context, process)
  if (!use) throw new FaultTargetError(`Process ${process.pid} on ${process.host} is gone.`)
  if (use.soft < softBefore) return use
  throw new FaultTargetError(
    `Process ${process.pid} on ${process.host} may open ${use.soft} files: its limit was raised again.`,
  )
}
