import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openRecorder } from '../../history/index.ts'
import { analyse } from '../analyse.ts'
import type { DrillFindings } from '../finding.ts'
import type { World } from './world.ts'

/** Writes a simulated drill through the real writers. */
export async function writeWorld(world: World, directory: string): Promise<void> {
  await using recorder = openRecorder(directory)
  for (const event of world.events) recorder.event(event)
  const { sends, sights } = recorder.tuples
  sends.keys(world.keys)
  for (const one of world.sends) {
    if ('send' in one) sends.send(one.send)
    else sends.outcome(one.outcome)
  }
  for (const { poll, sights: shown } of world.polls) {
    sights.poll(poll)
    for (const sight of shown) sights.sight(sight)
  }
}

/** Writes a simulated drill into a directory of its own, and calls back with it; the directory is removed afterwards. */
export async function withWorld<T>(world: World, use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'failover-world-'))
  try {
    await writeWorld(world, directory)
    return await use(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Findings of a simulated drill. */
export const findingsOf = (world: World): Promise<DrillFindings> => withWorld(world, (directory) => analyse(directory))
