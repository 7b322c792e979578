import type { DcName } from '../../history/index.ts'
import type { FaultContext } from '../definition.ts'
import { FaultTargetError } from '../errors.ts'
import type { FaultEnvironment, FaultToolkit } from '../target.ts'

/** How a toolkit sees its peer, by the parity of its status notices (toolkit reference §13.1). */
export type PeerSeen = 'never' | 'up' | 'down'

/** Counters of a toolkit, read at once. They begin anew with each process. */
export interface ToolkitCounters {
  /** Heartbeats that arrived, whoever sent them. */
  readonly received: number
  /** Heartbeats that were handed to the sender. */
  readonly sent: number
  /** Snapshots that were asked for; each takes a number of the same count as the heartbeats. */
  readonly snapshots: number
  readonly peer: PeerSeen
}

/**
 * Reads the counters of a data centre's toolkit from the management API.
 * @throws FaultTargetError if it shows none
 */
export async function toolkitCounters(context: FaultContext, dc: DcName): Promise<ToolkitCounters> {
  const { management } = context.clients[dc]
  const { environment, signal } = context
  const name = environment.dcs[dc].application.job
  const job = await management.findJob(name, { signal })
  if (!job) throw new FaultTargetError(`${dc} runs no job ${name}.`)
  const { jobs } = await management.metricsSnapshot({ job, signal })
  const operators = jobs.flatMap(({ pes }) => pes.flatMap((pe) => pe.operators))
  const submitted = (operator: string, port: number): number => {
    const value = operators
      .find((found) => found.name === `${environment.operatorPrefix}.${operator}`)
      ?.outputPorts.find(({ index }) => index === port)
      ?.metrics.find((metric) => metric.name === 'nTuplesSubmitted')?.value
    if (value !== undefined) return Number(value)
    throw new FaultTargetError(`${dc} shows no nTuplesSubmitted of ${environment.operatorPrefix}.${operator}.`, {
      remedy: 'Check operatorPrefix of the environment, and that the toolkit runs.',
    })
  }
  const notices = submitted('RemoteDataCenterHeartbeatWatchdog', 0)
  return {
    received: submitted('CrossDataCenterReceiverForHB', 0),
    sent: submitted('HeartbeatMessagePreparer', 0),
    snapshots: submitted('HeartbeatMessagePreparer', 2),
    peer: notices === 0 ? 'never' : notices % 2 === 1 ? 'up' : 'down',
  }
}

/**
 * The configuration of a data centre's toolkit.
 * @throws FaultTargetError if the environment does not tell
 */
export function toolkitOf({ name, toolkit }: FaultEnvironment, dc: DcName): FaultToolkit {
  if (toolkit) return toolkit[dc]
  throw new FaultTargetError(`The environment ${name} does not tell how the toolkit of ${dc} is configured.`, {
    remedy: 'Declare its toolkit: localDataCenterName and heartbeatExchangeInterval.',
  })
}

/** How often a data centre sends heartbeats, in real milliseconds. */
export function heartbeatMs(environment: FaultEnvironment, dc: DcName): number {
  return toolkitOf(environment, dc).heartbeatExchangeInterval * environment.timeScale * 1000
}
