import { eventually } from '../../core/index.ts'
import { serviceIsBack } from '../api/service.ts'
import { nameOf, type DcRef } from '../data-center.ts'
import { defineFault } from '../define-fault.ts'
import type { Evidence, Fault, FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import { orLabGone } from '../lab-control.ts'
import { carriesService, findPe, peName, peParams, type PeParams, type PeTarget } from './pe-target.ts'
import { OBSERVE_SCRIPT, SIGNAL_SCRIPT } from './process-script.ts'
import type { DcName } from '../../history/index.ts'

/** The process of a PE is stopped, and goes on when it is healed. */
export const peHangKind = defineFault({
  kind: 'pe-hang',
  summary: 'The process of a PE is stopped (SIGSTOP): it lives, holds its connections, and does nothing.',
  params: peParams,
  capabilities: ['processes', 'management'],
  blastRadius: 'process',
  target: peName,
  affects: ({ dc }) => dc,

  survey: findPe,

  plan: ({ environment }, { dc }, target) => ({
    steps: [
      {
        host: target.host,
        do: { command: { script: SIGNAL_SCRIPT, args: ['STOP', target.pid, target.startTime, target.mark] } },
        undo: orLabGone(environment, { script: SIGNAL_SCRIPT, args: ['CONT', target.pid, target.startTime, '-'] }),
      },
    ],
    effect: `Process ${target.pid} (PE ${target.pe}, ${target.commandLine}) is stopped, uses no CPU, and its metrics stand still.`,
    outage: carriesService({ environment }, target) ? [dc] : [],
  }),

  async confirm(context, { dc }, target, injected) {
    const [process, metrics] = await Promise.all([observe(context, target), metricsStandStill(context, dc, target)])
    const stopped = process.every(({ state }) => /^[Tt]/.test(state))
    if (!stopped || process[0]?.cpu !== process[1]?.cpu) {
      throw new FaultTargetError(`Process ${target.pid} is not stopped: ${JSON.stringify(process)}.`)
    }
    const outage = injected.steps[0]?.at
    return { ...(outage ? { outage } : {}), evidence: { pid: target.pid, state: 'stopped', metrics } }
  },

  async stillOn(context, _params, target) {
    const states = await observe(context, target)
    if (states.every(({ state }) => /^[Tt]/.test(state))) return
    throw new FaultTargetError(
      `Process ${target.pid} is not stopped any more: somebody else continued or ended it (${states.map(({ state }) => state).join(', ')}).`,
    )
  },

  async confirmHealed(context, { dc }, target) {
    const [now] = await observe(context, target)
    if (now && /^[Tt]/.test(now.state)) throw new FaultTargetError(`Process ${target.pid} is still stopped.`)
    return serviceIsBack(context, dc)
  },
})

/** Stops the process of a PE, as a hang would: nothing is closed, nothing is answered. Heals by letting it go on. */
export function peHang(dc: DcRef, pe: PeParams['pe']): Fault {
  return peHangKind.with({ dc: nameOf(dc), pe })
}

/** State and CPU time of a process, twice. */
async function observe(
  context: FaultContext,
  { host, pid, startTime }: PeTarget,
): Promise<{ readonly state: string; readonly cpu: string }[]> {
  const command = { script: OBSERVE_SCRIPT, args: [pid, startTime] }
  const said = await context.shell(host).run(command, { within: '30s', signal: context.signal })
  return said.stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [state = 'gone', cpu = ''] = line.split(' ')
      return { state, cpu }
    })
}

/**
 * Reads the metrics of the PE in two collections: those of a process that does nothing are missing, or do not move. What the
 * server's collections were is said in the evidence.
 */
async function metricsStandStill(context: FaultContext, dc: DcName, target: PeTarget): Promise<Evidence> {
  const { management } = context.clients[dc]
  const read = async (
    signal: AbortSignal,
  ): Promise<{ collection: number | null; status: string; values: string | null }> => {
    const snapshot = await management.metricsSnapshot({ job: target.job, signal })
    const pe = snapshot.jobs.flatMap(({ pes }) => pes).find(({ id }) => id === target.pe)
    const counters = pe?.operators.flatMap((operator) => [...operator.inputPorts, ...operator.outputPorts])
    const values =
      counters?.flatMap(({ metrics }) => metrics.map(({ name, value }) => `${name}=${value}`)).join() ?? null
    return { collection: snapshot.lastTimeRetrieved ?? null, status: pe?.status ?? 'missing', values }
  }
  // The collection that was under way when the process was stopped may still have asked it.
  let last = await read(context.signal)
  const still = await eventually(
    async (signal) => {
      const next = await read(signal)
      const isSame = next.values === last.values
      const isLater = next.collection !== last.collection
      const seen = isSame ? 'no other collection yet' : 'its metrics still move'
      if (!isSame) last = next
      return isSame && isLater ? { done: true, value: next } : { done: false, seen }
    },
    { within: '15s', every: '20ms', signal: context.signal, describe: `the metrics of PE ${target.pe} to stand still` },
  )
  return { status: still.value.status, collection: still.value.collection, reported: still.value.values !== null }
}
