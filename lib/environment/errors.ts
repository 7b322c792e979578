import { ConfigurationError, FailoverError, redact, type FailoverErrorOptions } from '../core/index.ts'
import type { DcName } from './resolved.ts'

/** One thing that is wrong with what the user gave. */
export interface ConfigurationProblem {
  /** The field of the environment, e.g. `dcs.east.management.url`. */
  readonly field: string
  readonly dc?: DcName
  /** The variable that the field comes from, if it does. */
  readonly variable?: string
  /** Where the value was found: `.env line 3`, `the process environment`, `environments/…`. */
  readonly origin?: string
  /** What is wrong: one clause. */
  readonly problem: string
  /** What to do: one sentence. */
  readonly remedy: string
}

/** Values of an environment are missing or malformed: all of them at once, in `problems`. `code` is `FAILOVER_CONFIGURATION`. */
export class EnvironmentError extends ConfigurationError {
  readonly environment: string
  readonly problems: readonly ConfigurationProblem[]

  constructor(environment: string, problems: readonly ConfigurationProblem[]) {
    const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`
    super(
      redact(`The environment ${environment} cannot be used, with ${count}:\n${problems.map(describe).join('\n')}`),
      {
        details: { environment, problems },
      },
    )
    this.environment = environment
    this.problems = problems
  }
}

/** What a check of a reachable system found wrong. */
export interface PreflightProblem extends ConfigurationProblem {
  /**
   * Stable, for programs: `unreachable`, `tls`, `unauthorized`, `forbidden`, `instance-not-running`, `bundle-missing`,
   * `job-missing`, `job-unhealthy`, `operator-unknown`, `endpoint-gone`, `unexpected`; of a host `host-unreachable`, `host-key`,
   * `host-login`, `host-privilege`, `host-lease-directory`, `host-address`.
   */
  readonly kind: PreflightProblemKind
  readonly dc: DcName
  readonly cause?: unknown
}

/** See {@link PreflightProblem}. */
export type PreflightProblemKind =
  | 'unreachable'
  | 'tls'
  | 'unauthorized'
  | 'forbidden'
  | 'instance-not-running'
  | 'bundle-missing'
  | 'job-missing'
  | 'job-unhealthy'
  | 'operator-unknown'
  | 'endpoint-gone'
  | 'host-unreachable'
  | 'host-key'
  | 'host-login'
  | 'host-privilege'
  | 'host-lease-directory'
  | 'host-address'
  | 'unexpected'

/** An environment is not fit for a drill; nothing was broken yet. `code` is `FAILOVER_PREFLIGHT`. */
export class PreflightError extends FailoverError {
  readonly environment: string
  readonly problems: readonly PreflightProblem[]

  constructor(environment: string, problems: readonly PreflightProblem[]) {
    const count = problems.length === 1 ? 'one check' : `${problems.length} checks`
    super(
      'FAILOVER_PREFLIGHT',
      redact(
        `The environment ${environment} is not fit for a drill, ${count} failed:\n${problems.map(describe).join('\n')}`,
      ),
      {
        details: { environment, problems: problems.map(({ cause: _, ...problem }) => problem) },
        cause: problems[0]?.cause,
      },
    )
    this.environment = environment
    this.problems = problems
  }
}

function describe(problem: ConfigurationProblem): string {
  const where = [problem.variable, problem.origin ? `from ${problem.origin}` : undefined].filter(Boolean).join(', ')
  const field = `${problem.dc && !problem.field.includes(problem.dc) ? `${problem.dc}: ` : ''}${problem.field}`
  return `  - ${field}${where ? ` (${where})` : ''}: ${problem.problem}. ${problem.remedy}`
}

/** Somebody else breaks this environment right now, or has taken its lock over. `code` is `FAILOVER_ENVIRONMENT_LOCKED`. */
export class EnvironmentLockedError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_ENVIRONMENT_LOCKED', message, options)
  }
}

/** The lock of an environment cannot be written to its host. `code` is `FAILOVER_ENVIRONMENT_LOCK`. */
export class EnvironmentLockError extends FailoverError {
  constructor(message: string, options: FailoverErrorOptions = {}) {
    super('FAILOVER_ENVIRONMENT_LOCK', message, options)
  }
}
