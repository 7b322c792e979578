import { z } from 'zod'
import { eventually } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import type { Host, Pe } from '../../streams/index.ts'
import { dcParam, nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Fault, FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { carriesService } from '../process/pe-target.ts'
import { apiUndo, undoProgram } from './api-undo.ts'
import { healthyJob, serviceIsBack, unlessUnanswered } from './service.ts'

/** A host is quiesced through the management API: its PEs leave it, and none comes. */
export const hostQuiescedKind = defineFault({
  kind: 'host-quiesced',
  summary: 'A host of a data centre is quiesced through the management API: its PEs leave it, and none comes.',
  params: z.strictObject({ dc: dcParam, host: z.string().min(1).exactOptional() }),
  capabilities: ['management'],
  blastRadius: 'host',
  target: ({ dc, host }) => (host === undefined ? `${dc}/its host` : `${dc}/${host}`),
  affects: ({ dc }) => dc,

  async survey(context, { dc, host: wanted }) {
    const { management } = context.clients[dc]
    const { signal } = context
    const host = await findHost(context, dc, wanted)
    if (host.status !== 'running') {
      throw new FaultTargetError(`The host ${host.id} of ${dc} is ${host.status}.`, {
        remedy: 'Wait until it runs, or resume it.',
      })
    }
    const job = await healthyJob(context, dc)
    const [pes, operators] = await Promise.all([
      management.pes({ job, signal }).then((all) => all.filter((pe) => isOn(pe, host))),
      management.operators({ job, signal }).then((all) => all),
    ])
    const there = operators.filter(({ pe }) => pes.some(({ self }) => self === pe)).map(({ name }) => name)
    return { host, pes, operators: there, program: await undoProgram() }
  },

  plan: (context, { dc }, { host, pes, operators, program }) => ({
    steps: [
      {
        host: 'runner',
        do: {
          call: `quiesce of the host ${host.id} at ${dc}`,
          run: async ({ clients, signal }) =>
            void (await clients[dc].management.quiesceHost(host, { signal, within: '50s' })),
        },
        ...apiUndo(context, dc, program, { startInstance: false, submit: false, resumeHosts: [host.id] }),
      },
    ],
    effect: `The host ${host.id} of ${dc} is quiesced; ${pes.length} PEs of the job have left it.`,
    outage: carriesService(context, { operators }) ? [dc] : [],
  }),

  async confirm(context, { dc }, { host, pes }, injected) {
    const { management } = context.clients[dc]
    const gone = await eventually(
      async (signal) => {
        const [current] = (await management.hosts({ signal })).filter(({ id }) => id === host.id)
        if (current?.status !== 'quiesced') {
          return { done: false, seen: `the host is ${current?.status ?? 'not listed'}` }
        }
        const now = await management.pes({ signal })
        const left = pes.filter(
          ({ id }) => !now.some((pe) => pe.id === id && pe.status === 'running' && isOn(pe, host)),
        )
        if (left.length < pes.length) return { done: false, seen: `${pes.length - left.length} PEs still run on it` }
        return { done: true, value: now.filter(({ id }) => pes.some((pe) => pe.id === id)) }
      },
      { within: '25s', every: '10ms', signal: context.signal, describe: `the PEs to leave the host ${host.id}` },
    )
    return {
      outage: { earliest: injected.at.earliest, latest: Math.max(injected.at.latest, gone.at.earliest) },
      evidence: {
        host: host.id,
        pes: gone.value.map(({ id, status, statusReason }) => ({ id, status, statusReason })),
      },
    }
  },

  stillOn: (context, { dc }, { host }) =>
    unlessUnanswered(async () => {
      const hosts = await context.clients[dc].management.hosts({ signal: context.signal })
      const status = hosts.find(({ id }) => id === host.id)?.status ?? 'gone'
      if (status === 'quiesced') return
      throw new FaultTargetError(`Somebody has resumed the host ${host.id} of ${dc}: it is ${status}.`)
    }),

  confirmHealed: (context, { dc }) => serviceIsBack(context, dc),
})

/**
 * Quiesces a host of a data centre through the management API, as before maintenance of it: its PEs move to other hosts, or
 * wait where there is none. Heals by resuming it.
 * @param host its id or name in the management API, or the name of a host of the environment; may be left out where there is
 * one only
 *
 * By the toolkit's rules: PEs that move begin with nothing in memory. If the toolkit's PE finds no other host, the peer declares
 * the data centre down after (M-1)·P to (M+1)·P; if it moves sooner, nothing is noticed, provided that
 * `remoteDataCenterApplicationMachineNames` of the peer lists the host that it moved to.
 */
export function hostQuiesced(dc: DcRef, host?: string): Fault {
  return hostQuiescedKind.with({ dc: nameOf(dc), ...(host === undefined ? {} : { host }) })
}

/** A host of the management API, by any name that it has there or in the environment. */
async function findHost(context: FaultContext, dc: DcName, wanted: string | undefined): Promise<Host> {
  const all = await context.clients[dc].management.hosts({ signal: context.signal })
  const own = context.environment.hosts.find(({ name, dc: at }) => at === dc && name === wanted)
  const names = [wanted, ...(own?.aliases ?? [])]
  const found = wanted === undefined ? all : all.filter((host) => namesOf(host).some((name) => names.includes(name)))
  const [only] = found
  if (only && found.length === 1) return only
  const known = all.map(({ id }) => id).join(', ') || 'none'
  if (wanted === undefined) {
    throw new FaultTargetError(`${dc} has ${all.length} hosts, and none was named.`, { remedy: `Its hosts: ${known}.` })
  }
  throw new FaultTargetError(`${found.length === 0 ? 'No host' : 'More than one host'} of ${dc} is called ${wanted}.`, {
    remedy: `Its hosts: ${known}.`,
  })
}

function namesOf({ id, restid, name, displayName, ipAddress }: Host): readonly string[] {
  return [id, restid, name, displayName, ipAddress].flatMap((known) => (known ? [known] : []))
}

/** Whether a PE is placed on a host, by whichever of its links the server fills. */
function isOn(pe: Pe, host: Host): boolean {
  const names = namesOf(host)
  return [pe.resource, pe.resourceAllocation, pe.host].some((link) => {
    const last = link?.split('/').at(-1)
    return last !== undefined && names.includes(decodeURIComponent(last))
  })
}
