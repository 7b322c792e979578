import { relative } from 'node:path'
import type { Reporter, TestModule, TestRunEndReason, TestSpecification, Vitest } from 'vitest/node'
import { environmentOf } from '../vitest/environment-of.ts'
import { beginRun, currentRun, openRunDirectory } from '../vitest/run.ts'
import { registerSecrets } from '../vitest/secrets.ts'
import { takeOverSignals, type SignalWatch } from '../vitest/signals.ts'
import { collectReport } from './collect.ts'
import { writeReport } from './json.ts'
import { startLiveLine } from './live-line.ts'
import { formatSummary } from './summary.ts'

/**
 * Vitest reporter of failover drills: takes signals over, shows what is awaited while it is, and ends with the table, `report.json`
 * and an exit code that is not 0 unless every drill is known to have passed. It stands beside Vitest's own reporters.
 */
export default class FailoverReporter implements Reporter {
  #vitest: Vitest | undefined
  #signals: SignalWatch | undefined
  #stopLiveLine = (): void => {}
  #drillsExpected = false

  onInit(vitest: Vitest): void {
    this.#vitest = vitest
    this.#signals = takeOverSignals(vitest)
    registerSecrets()
  }

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    const vitest = this.#vitest
    this.#drillsExpected = specifications.some(({ project }) => environmentOf(project) !== undefined)
    if (!vitest || !this.#drillsExpected) return
    openRunDirectory(beginRun(vitest.config.root))
    this.#stopLiveLine()
    this.#stopLiveLine = startLiveLine({
      runDirectory: () => currentRun()?.directory,
      sink: process.stdout,
      others: process.stderr.isTTY ? [process.stderr] : [],
    })
  }

  onTestModuleQueued(): void {
    this.#signals?.recancel()
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[], reason: TestRunEndReason): void {
    this.#stopLiveLine()
    const vitest = this.#vitest
    if (!vitest) return
    const signal = this.#signals?.received
    const ran = anythingRan(modules)
    if (!this.#drillsExpected) {
      if (!ran && !vitest.config.watch) this.#refuse('no test ran: nothing was shown')
      return
    }
    const testNamePattern = vitest.config.testNamePattern
    const run = beginRun(vitest.config.root)
    const report = collectReport({
      run,
      modules,
      unhandledErrors,
      interrupted: signal ?? (reason === 'interrupted' ? 'the run was cancelled' : undefined),
      testNamePattern,
      // A name that was asked for may belong to a unit test; then no drill is missed.
      drillsExpected: testNamePattern === undefined || !ran,
    })
    const reportFile = relative(process.cwd(), writeReport(run.directory, report))
    vitest.logger.log(`\n${formatSummary(report, { colors: colors(), reportFile })}\n`)
    const unasked = testNamePattern !== undefined && ran && report.drills.length === 0 && report.problems.length === 0
    if (report.verdict !== 'pass' && !unasked) process.exitCode ||= 1
  }

  #refuse(problem: string): void {
    this.#vitest?.logger.error(`\n! ${problem}\n`)
    process.exitCode ||= 1
  }
}

function anythingRan(modules: readonly TestModule[]): boolean {
  return modules.some((module) => [...module.children.allTests()].some((test) => test.result().state !== 'skipped'))
}

function colors(): boolean {
  return process.stdout.isTTY && !process.env.NO_COLOR
}
