import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { TestCase, TestModule } from 'vitest/node'
import { mergeVerdicts, messageOf } from '../core/index.ts'
import { environmentOf } from '../vitest/environment-of.ts'
import type { Run } from '../vitest/run.ts'
import { reportedError } from './classification.ts'
import { toInterruptedReport } from './drill.ts'
import { drillOutcome, type TestOutcome } from './outcome.ts'
import { drillMetaSchema, type DrillMeta } from './meta.ts'
import { REPORT_SCHEMA_VERSION, type DrillReport, type Report, type SkippedReport } from './schema.ts'

/** What is known at the end of a run. */
export interface CollectOptions {
  readonly run: Run
  readonly modules: readonly TestModule[]
  readonly unhandledErrors: readonly unknown[]
  /** The signal, or another reason, by which the run was cut short. */
  readonly interrupted: string | undefined
  /** The `-t` filter: tests that it leaves out were not skipped, they were not asked for. */
  readonly testNamePattern: RegExp | undefined
  /** A drill of an environment was to run; without one the run says nothing. */
  readonly drillsExpected: boolean
}

/** The report of a run, from what Vitest knows and from what lies in the run's directory. */
export function collectReport(options: CollectOptions): Report {
  const { run, interrupted } = options
  const modules = options.modules.flatMap((module) => {
    const environment = environmentOf(module.project)
    return environment ? [{ module, environment }] : []
  })
  const problems = options.unhandledErrors.map((error) => `unhandled error: ${reportedError(error).message}`)
  if (interrupted !== undefined) problems.unshift(`interrupted: ${interrupted}`)
  const unclaimed = drillDirectories(run.directory)
  const drills: DrillReport[] = []
  const skipped: SkippedReport[] = []
  for (const { module, environment } of modules) {
    const file = module.relativeModuleId
    for (const error of module.errors()) problems.push(`${file}: ${reportedError(error).message}`)
    if (module.state() === 'queued' || module.state() === 'pending') problems.push(`${file}: ended without a result`)
    for (const test of module.children.allTests()) {
      const outcome: TestOutcome = {
        state: test.result().state,
        errors: test.result().errors ?? [],
        name: test.fullName,
        file,
        environment: environment.name,
        target: environment.target,
        meta: metaOf(test, environment.name, unclaimed, interrupted !== undefined),
        interrupted: interrupted !== undefined,
      }
      if (outcome.state === 'skipped' && !wasCutOff(test, outcome)) {
        if (wasAskedFor(test, options.testNamePattern)) skipped.push(skippedTest(test, outcome))
      } else if (outcome.meta !== undefined || outcome.state !== 'passed') {
        drills.push(drillOutcome(outcome, run.directory))
      }
    }
  }
  for (const directory of unclaimed) {
    const report = interruptedReport(directory, CUT_OFF)
    if (report) drills.push(report)
  }
  if (options.drillsExpected && drills.length === 0 && interrupted === undefined)
    problems.push('no drill ran: nothing was shown')
  const targets = [...new Set(modules.map(({ environment }) => environment.target))]
  const names = [...new Set(modules.map(({ environment }) => environment.name))]
  return {
    schemaVersion: REPORT_SCHEMA_VERSION,
    run: run.id,
    target: targets.join(', ') || 'none',
    environment: names.join(', ') || 'none',
    verdict: mergeVerdicts([...drills.map(({ verdict }) => verdict), ...problems.map(() => 'inconclusive' as const)]),
    startedAt: run.startedAt.toISOString(),
    finishedAt: new Date().toISOString(),
    drills,
    skipped,
    problems,
  }
}

/** What the drill left for us; or, when its process died, what lies in the directory that bears its name. */
function metaOf(
  test: TestCase,
  environment: string,
  unclaimed: Set<string>,
  interrupted: boolean,
): DrillMeta | undefined {
  const parsed = drillMetaSchema.safeParse(test.meta().failover)
  if (parsed.success) {
    unclaimed.delete(parsed.data.directory)
    return parsed.data
  }
  const { state } = test.result()
  if (state === 'passed' || (state === 'skipped' && !interrupted)) return undefined
  for (const directory of unclaimed) {
    const drill = interruptedReport(directory, state === 'failed' ? NOT_JUDGED : CUT_OFF)
    if (!drill || (drill.name !== test.fullName && drill.name !== test.name)) continue
    if (drill.environment !== environment || !test.module.moduleId.endsWith(drill.file)) continue
    unclaimed.delete(directory)
    return { drill, directory }
  }
  return undefined
}

/** Directories of drills that began: a drill whose process died has left nothing else. */
function drillDirectories(runDirectory: string): Set<string> {
  if (!existsSync(runDirectory)) return new Set()
  const names = readdirSync(runDirectory, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const directories = names.map(({ name }) => join(runDirectory, name))
  return new Set(directories.filter((directory) => existsSync(join(directory, 'history.jsonl'))))
}

const CUT_OFF = 'interrupted: the process that ran the drill ended before it was judged'
const NOT_JUDGED = 'the record of the drill could not be judged'

function interruptedReport(directory: string, problem: string): DrillReport | undefined {
  try {
    return toInterruptedReport(directory, problem)
  } catch (error) {
    process.emitWarning(`${directory}: ${messageOf(error)}`)
    return undefined
  }
}

/** Vitest calls a test skipped that it cancelled while it ran; a drill that had begun was not skipped. */
function wasCutOff(test: TestCase, { interrupted, meta }: TestOutcome): boolean {
  return interrupted && meta !== undefined && test.meta().failoverSkip === undefined
}

function wasAskedFor(test: TestCase, pattern: RegExp | undefined): boolean {
  return pattern === undefined || pattern.test(test.fullName.replaceAll(' > ', ' '))
}

function skippedTest(test: TestCase, { name, file, environment }: TestOutcome): SkippedReport {
  const result = test.result()
  const meta = test.meta().failoverSkip
  const note = result.state === 'skipped' ? result.note : undefined
  const reason = meta ? `needs ${meta.capability}: ${meta.reason}` : (note ?? 'skipped by the spec')
  return { name, file, environment, reason }
}
