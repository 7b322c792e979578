import { join } from 'node:path'
import type { SiteBoot } from '../plan.ts'
import type { Address, PeKind, PeLaunch } from '../protocol.ts'
import type { StoredJob, StoredPe } from './model.ts'

const LOOPBACK = '127.0.0.1'
/** What the planted defect `tap-overruns` lays over the parameters of a job. */
const OVERRUN = { bufferSize: '1', acknowledge: 'processed' }

/** Everything that a PE is told when it is launched. */
export function describeLaunch(boot: SiteBoot, pe: StoredPe, job: StoredJob): PeLaunch {
  const { plan, dc, crossDc } = boot
  const { instance, disk } = plan.sites[dc]
  const peers: Partial<Record<PeKind, Address>> = {}
  for (const peer of job.pes) peers[peer.kind] = { host: LOOPBACK, port: peer.port }
  return {
    dc,
    instance,
    jobId: job.id,
    peId: pe.id,
    kind: pe.kind,
    launchCount: pe.launchCount,
    lifeSocket: plan.lifeSocket,
    truthFile: plan.truthFile,
    timeScale: plan.timeScale,
    defects: plan.defects,
    parameters: { ...job.parameters, ...(plan.defects.includes('tap-overruns') ? OVERRUN : {}) },
    dataDirectory: join(disk, 'data'),
    listen: { host: LOOPBACK, port: pe.port },
    peers,
    crossDc,
  }
}
