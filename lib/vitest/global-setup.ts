import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject, Vitest } from 'vitest/node'
import { bundleProgram } from '../bundle/index.ts'
import type { EnvironmentLock } from '../environment/index.ts'
import { environmentOf } from './environment-of.ts'
import { lockOf } from './locks.ts'
import { beginRun, endRun } from './run.ts'
import { takeOverSignals, type SignalWatch } from './signals.ts'

/**
 * Global setup of every environment's project: begins the run, tells the workers where its files go, says aloud what is run
 * against, locks a live environment, and makes the lab's programs. Returns the teardown.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { vitest } = project
  // Also here, for runs that replace the reporters on the command line.
  const signals = takeOverSignals(vitest)
  const provide = (): string => {
    const { id, directory } = beginRun(vitest.config.root)
    project.provide('failoverRun', { id, directory })
    return directory
  }
  let directory = provide()
  project.onTestsRerun(() => {
    endRun()
    directory = provide()
  })
  const environment = environmentOf(project)
  if (environment?.byDefault) vitest.logger.log('no environment configured: running against the embedded lab')
  else if (environment) vitest.logger.log(`${environment.name}: running against target ${environment.target}`)
  if (environment?.target === 'embedded') await Promise.all(programs().map(bundleProgram))
  const lock = environment && (await holdLock(environment.name, vitest, signals))
  return async () => {
    await lock?.[Symbol.asyncDispose]()
    await rm(join(directory, 'progress'), { recursive: true, force: true })
  }
}

/** Locks an environment that others may break, too, for the whole run. Says for whom it waits. */
async function holdLock(name: string, vitest: Vitest, signals: SignalWatch): Promise<EnvironmentLock | undefined> {
  const interrupted = new AbortController()
  let last = ''
  return lockOf(name)?.({
    run: beginRun(vitest.config.root).id,
    signal: interrupted.signal,
    onWaiting({ holder, since }) {
      if (signals.received !== undefined) interrupted.abort(new Error(signals.received))
      if (holder !== last) vitest.logger.log(`${name}: waiting for its lock, which ${holder} has held since ${since}`)
      last = holder
    },
    onLost(error) {
      vitest.logger.error(error.message)
      // Another run may break the same sites now: this one heals and ends.
      process.exitCode = 1
      void vitest.cancelCurrentRun('test-failure')
    },
  })
}

/**
 * Entries of the programs that embedded labs and traffic start as processes of their own: every `*.main.ts` of the library, but
 * those of container labs.
 */
function programs(): readonly string[] {
  const library = fileURLToPath(new URL('..', import.meta.url))
  const files = readdirSync(library, { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.main.ts') && !file.endsWith('.test.main.ts'))
    .filter((file) => !file.startsWith(join('lab', 'containers')))
    .map((file) => join(library, file))
}
