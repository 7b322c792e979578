import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestProject } from 'vitest/node'
import { bundleProgram } from '../bundle/index.ts'
import { environmentOf } from './environment-of.ts'
import { beginRun, endRun } from './run.ts'
import { takeOverSignals } from './signals.ts'

/**
 * Global setup of every environment's project: begins the run, tells the workers where its files go, says aloud what is run
 * against, and makes the lab's programs. Returns the teardown.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { vitest } = project
  // Also here, for runs that replace the reporters on the command line.
  takeOverSignals(vitest)
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
  return () => rm(join(directory, 'progress'), { recursive: true, force: true })
}

/** Entries of the programs that labs and traffic start as processes of their own: every `*.main.ts` of the library. */
function programs(): readonly string[] {
  const library = fileURLToPath(new URL('..', import.meta.url))
  const files = readdirSync(library, { recursive: true, encoding: 'utf8' })
  return files
    .filter((file) => file.endsWith('.main.ts') && !file.endsWith('.test.main.ts'))
    .map((file) => join(library, file))
}
