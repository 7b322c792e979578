import type { PeKind, PeLaunch } from '../protocol.ts'
import { runCrossDc } from './cross-dc.ts'
import { runIngest } from './ingest.ts'
import { runLogic } from './logic.ts'
import { runPassive } from './passive.ts'
import { startRuntime, type PeRuntime } from './runtime.ts'
import { runSink } from './sink.ts'

const KINDS: Readonly<Record<PeKind, (pe: PeRuntime) => Promise<void>>> = {
  ingest: runIngest,
  logic: runLogic,
  sink: runSink,
  'cross-dc': runCrossDc,
  passive: runPassive,
}

/** Runs a PE until its site, its supervisor or its own failure ends it. */
export async function runPe(launch: PeLaunch): Promise<void> {
  await KINDS[launch.kind](startRuntime(launch))
}
