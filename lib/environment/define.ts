import { z } from 'zod'
import { suggestion } from './did-you-mean.ts'
import { EnvironmentError, type ConfigurationProblem } from './errors.ts'
import type { Target } from './resolved.ts'
import { declaration, type EnvironmentDeclaration, type EnvironmentOverlay } from './schema.ts'

/** What {@link defineEnvironment} takes: all but name, description, objectives and application has a default. */
export interface EnvironmentInput extends Omit<EnvironmentOverlay, 'objectives' | 'application'> {
  readonly name: string
  readonly description: string
  readonly objectives: EnvironmentDeclaration['objectives']
  readonly application: EnvironmentDeclaration['application']
  readonly on?: EnvironmentDeclaration['on']
}

const DEFAULTS = {
  mode: 'active-active',
  contract: { delivery: 'at-most-once', ordered: true, settle: '1s', maxUnknown: 0 },
  operatorPrefix: 'CrossDCFailover',
  toolkit: { both: {}, east: {}, west: {} },
  safety: { maxFaults: 1, allow: ['process', 'link', 'job', 'host', 'instance', 'data-center'], leaseTtl: '15s' },
  tolerance: {},
  on: {},
} as const

/**
 * Declares an environment: checked, complete and frozen. Values that differ from machine to machine, and secrets, come from
 * variables (`.env.example`) and have no place here.
 * @example
 * export const dcNorthSouth = defineEnvironment({
 *   name: 'dc-north-south',
 *   description: 'Payments in both halls',
 *   objectives: { rto: '3m', rpo: { tuples: 0, stateAge: '4m' } },
 *   application: {
 *     job: 'payments', bundle: 'build/payments.sab', parameters: {},
 *     operators: { ingest: 'Ingest', results: 'Results', special: 'SpecialMessage' },
 *   },
 *   toolkit: { both: { heartbeatExchangeInterval: '30', consecutiveHeartbeatMissesAllowed: '4' } },
 * })
 * @throws EnvironmentError that lists every unknown key and wrong value
 */
export function defineEnvironment(input: EnvironmentInput): EnvironmentDeclaration {
  return check(merge(DEFAULTS, input), input.name)
}

/** Another environment made of one, with a name of its own and what differs. */
export function extendEnvironment(
  base: EnvironmentDeclaration,
  changes: EnvironmentOverlay & {
    readonly name: string
    readonly description?: string
    readonly on?: EnvironmentDeclaration['on']
  },
): EnvironmentDeclaration {
  return check(merge(base, changes), changes.name)
}

/** The declaration as it holds for one target. */
export function declarationOn(base: EnvironmentDeclaration, target: Target): EnvironmentDeclaration {
  return check(merge(base, base.on[target] ?? {}), base.name)
}

function check(value: unknown, name: unknown): EnvironmentDeclaration {
  const parsed = declaration.safeParse(value)
  if (parsed.success) return freeze(parsed.data)
  const shown = typeof name === 'string' && name !== '' ? name : '(without a name)'
  throw new EnvironmentError(shown, parsed.error.issues.flatMap(problemsOf))
}

function problemsOf(issue: z.core.$ZodIssue): ConfigurationProblem[] {
  const field = issue.path.map(String).join('.')
  if (issue.code !== 'unrecognized_keys') {
    const isMissing = issue.code === 'invalid_type' && issue.message.endsWith('received undefined')
    return [
      {
        field,
        problem: isMissing ? 'is missing' : lowerFirst(issue.message),
        remedy: `Correct it in defineEnvironment.`,
      },
    ]
  }
  const known = keysAt(declaration, issue.path)
  return issue.keys.map((key) => ({
    field: field === '' ? key : `${field}.${key}`,
    problem: 'is not a key of an environment',
    remedy: `${suggestion(key, known).trim() || `Known there: ${known.join(', ')}.`}`,
  }))
}

/** The keys that a schema knows at a path. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): string[] {
  let here: z.core.$ZodType | undefined = bare(schema)
  for (const part of path)
    here = here instanceof z.ZodObject ? bare(here.shape[String(part)] as z.core.$ZodType) : undefined
  if (here instanceof z.ZodRecord) return here.keyType instanceof z.ZodEnum ? here.keyType.options.map(String) : []
  return here instanceof z.ZodObject ? Object.keys(here.shape) : []
}

/** A schema without the wrapper that makes it optional. */
function bare(schema: z.core.$ZodType): z.core.$ZodType {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodExactOptional ? bare(schema.unwrap()) : schema
}

/** `over` laid over `base`: objects key by key, everything else as a whole. */
function merge(base: unknown, over: unknown): unknown {
  if (over === undefined) return base
  if (!isRecord(base) || !isRecord(over)) return over
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) merged[key] = merge(base[key], value)
  return merged
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    Object.values(value).forEach(freeze)
  }
  return value
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1)
}
