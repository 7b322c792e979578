import { EnvironmentError, type ConfigurationProblem } from './errors.ts'
import type { Target } from './resolved.ts'
import { readVariables, valueOf, variable, type Variables, type VariableSources } from './variables.ts'
import { z } from 'zod'

/** What an environment will run against, and why. */
export interface TargetChoice {
  readonly target: Target
  /** Nobody chose: nothing is configured, so the embedded lab stands in. */
  readonly byDefault: boolean
}

const target = z.enum(['embedded', 'containers', 'live'], { error: "must be 'embedded', 'containers' or 'live'" })

/** The target that variables choose. What is wrong goes to `problems`. */
export function chooseTarget(variables: Variables, problems: ConfigurationProblem[]): TargetChoice {
  const chosen = valueOf(variables, variable('FAILOVER_TARGET'), target, problems)
  return { target: chosen ?? 'embedded', byDefault: chosen === undefined }
}

/**
 * The target that the variables choose.
 * @throws EnvironmentError if FAILOVER_TARGET has no meaning
 */
export function targetOf(environment: { readonly name: string }, sources: VariableSources = {}): TargetChoice {
  const problems: ConfigurationProblem[] = []
  const choice = chooseTarget(readVariables(sources), problems)
  if (problems.length > 0) throw new EnvironmentError(environment.name, problems)
  return choice
}

/**
 * What an environment runs against, in words that nobody overlooks. Takes a declaration, whose target the variables choose, or
 * a resolved environment.
 */
export function describeTarget(
  environment: {
    readonly name: string
    readonly target?: Target
    readonly labFacts?: { readonly defects: readonly string[] }
  },
  sources: VariableSources = {},
): string {
  const choice = environment.target ? { target: environment.target, byDefault: false } : targetOf(environment, sources)
  if (choice.target === 'live') return `${environment.name}: LIVE SITES. Faults break real data centres.`
  const defects = environment.labFacts?.defects.length
    ? ` Planted defects: ${environment.labFacts.defects.join(', ')}.`
    : ''
  const why = choice.byDefault ? ' Nothing else is configured (FAILOVER_TARGET is not set).' : ''
  if (choice.target === 'containers') {
    return `${environment.name}: CONTAINER LAB on this machine's Docker. What is measured says nothing about any real site.${defects}`
  }
  return `${environment.name}: EMBEDDED LAB on this machine.${why} What is measured says nothing about any real site.${defects}`
}
