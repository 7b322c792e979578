import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { describeLaunch } from './describe-launch.ts'
import type { Job } from './job.ts'
import type { StoredPe } from './model.ts'
import type { PeContext } from './pe.ts'
import type { Site } from './site.ts'

/** What a PE needs of its site: what it is told, and who hears of it. */
export function peContext(site: Site, stored: StoredPe, jobOf: () => Job): PeContext {
  const { id, kind } = stored
  const { collector, disk, truth } = site
  return {
    program: site.boot.plan.programs.pe,
    seconds: (count) => site.ms(count),
    describe: (pe) => describeLaunch(site.boot, pe.stored, jobOf().stored),
    consoleFile: disk.log(id, 'console'),
    traceFile: disk.log(id, 'trace'),
    hostAccepts: () => !site.isQuiesced(stored.host),
    launched: (pe, pid) => {
      collector.forget(id)
      site.tell({ type: 'spawned', pid, peId: id })
      truth.write('pe-start', { pe: id, kind, pid, launchCount: pe.stored.launchCount, job: jobOf().stored.id })
      disk.save()
    },
    exited: (_pe, end) => {
      collector.forget(id)
      site.tell({ type: 'exited', pid: end.pid })
      truth.write('pe-exit', { pe: id, kind, ...end, job: jobOf().stored.id })
    },
    changed: () => site.changed(),
    sampled: (pe, round, operators) => collector.take(pe, round, operators),
    launchScript: (script) => run(script, disk.directory),
  }
}

/** Runs the launch script of a passive data centre; what it says goes to a log beside those of the PEs. */
function run(script: string, directory: string): void {
  const log = openSync(join(directory, 'logs', 'launch.log'), 'a', 0o600)
  const child = spawn('sh', [script], { cwd: directory, stdio: ['ignore', log, log] })
  child.on('error', () => undefined)
  closeSync(log)
}
