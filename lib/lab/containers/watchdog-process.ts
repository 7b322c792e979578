import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bundleProgram } from '../../bundle/index.ts'
import { withDeadline } from '../../core/index.ts'
import { ContainerLabError } from './errors.ts'

const END_WITHIN = '25s'

/** The process that removes the lab when this one lets go of it, or dies. */
export interface Watchdog {
  /** Removes all of the lab. */
  end(): Promise<void>
}

/** Starts the watchdog of the lab in a directory. From then on nothing of the lab outlives this process. */
export async function startWatchdog(directory: string): Promise<Watchdog> {
  const program = await bundleProgram(fileURLToPath(new URL('./watchdog.main.ts', import.meta.url)))
  const logFile = join(directory, 'logs', 'watchdog.log')
  const log = openSync(logFile, 'a', 0o600)
  // A session of its own: a signal to the runner's process group is not for it.
  const child = spawn(process.execPath, [program, directory], { detached: true, stdio: ['pipe', log, log] })
  closeSync(log)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', reject)
  })
  child.stdin?.on('error', () => undefined)
  child.unref()
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return {
    async end() {
      child.ref()
      child.stdin?.end('end\n')
      const code = await withDeadline(() => ended, { within: END_WITHIN, describe: 'the container lab to be removed' })
      if (code === 0) return
      throw new ContainerLabError(`The container lab could not be removed: ${readFileSync(logFile, 'utf8').trim()}`, {
        remedy: 'The next start of a container lab tries again.',
      })
    },
  }
}
