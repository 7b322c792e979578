import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { bundleProgram } from '../../bundle/index.ts'
import { reveal, type Duration, toMs } from '../../core/index.ts'
import type { DcName } from '../../history/index.ts'
import type { FaultStep, PlanContext } from '../definition.ts'
import { orLabGone } from '../lab-control.ts'
import type { UndoOrder } from './undo-order.ts'

/** The text of the undo program; made once per content. */
export async function undoProgram(): Promise<string> {
  return readFile(await bundleProgram(join(import.meta.dirname, 'undo.main.ts')), 'utf8')
}

/** What is asked of the undo program, beside what the environment tells. */
export type UndoWish = Pick<UndoOrder, 'startInstance' | 'submit' | 'restartQuiesced' | 'resumeHosts'>

const UNDO_WITHIN: Duration = '60s'

/**
 * The undo of a fault of the management API: a program of one file, run by the Node that runs this, with its order beside it.
 * Both lie in the lease's directory, readable by their owner only, and are removed after the undo.
 */
export function apiUndo(
  { environment }: PlanContext,
  dc: DcName,
  program: string,
  wish: UndoWish,
): Required<Pick<FaultStep, 'undo' | 'undoFiles'>> {
  const { management, instance, application } = environment.dcs[dc]
  const { key, ...tls } = management.tls
  const order: UndoOrder = {
    dc,
    url: management.url,
    username: management.username,
    password: reveal(management.password),
    tls: { ...tls, ...(key === undefined ? {} : { key: reveal(key) }) },
    instance,
    job: { name: application.job, bundle: resolve(application.bundle), parameters: { ...application.parameters } },
    withinMs: toMs(UNDO_WITHIN),
    ...wish,
  }
  const run = { script: 'exec "$1" "$LEASE/file.undo.mjs" "$LEASE/file.order.json"', args: [process.execPath] }
  return {
    undo: orLabGone(environment, run),
    undoFiles: [
      { name: 'undo.mjs', content: program },
      { name: 'order.json', content: JSON.stringify(order) },
    ],
  }
}
