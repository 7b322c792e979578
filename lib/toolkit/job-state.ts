import type { PeSample } from './sample.ts'
import type { ApplicationState } from './view.ts'

const STARTING = new Set(['constructed', 'submitted', 'starting', 'restarting'])

/** What the PEs of a job say together; `undefined` PEs: the job is not there. */
export function jobState(pes: readonly PeSample[] | undefined): ApplicationState {
  if (pes === undefined) return 'gone'
  if (pes.length === 0 || pes.every(({ status }) => status === 'unknown')) return 'unknown'
  if (pes.every(({ status }) => status === 'running')) return 'running'
  return pes.some(({ status }) => STARTING.has(status)) ? 'restarting' : 'impaired'
}
