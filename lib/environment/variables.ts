import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parse } from 'dotenv'
import type { z } from 'zod'
import { messageOf, registerSecret } from '../core/index.ts'
import { closest } from './did-you-mean.ts'
import type { ConfigurationProblem } from './errors.ts'
import type { DcName } from './resolved.ts'
import { exampleOf, INTERNAL_VARIABLES, VARIABLES, variableNames, type VariableDescription } from './variable-table.ts'

const PREFIX = 'FAILOVER_'

/** Where variables come from. */
export interface VariableSources {
  /** Default: `process.env`. Wins over the file. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** The dotenv file. Default: `.env` in the working directory; that there is none is no problem. `null`: read none. */
  readonly file?: string | null
}

/** A variable as it was found. */
export interface FoundVariable {
  readonly value: string
  /** `.env line 3`, or `the process environment`. */
  readonly origin: string
}

/** All variables of this library, read once. */
export interface Variables {
  /** By full name. Empty values count as not given. */
  readonly found: ReadonlyMap<string, FoundVariable>
  /** What is wrong whatever the target: names that nobody reads, a file that cannot be read. */
  readonly problems: readonly ConfigurationProblem[]
}

/** Reads the variables of the process and of the dotenv file. Changes neither, and prints nothing. */
export function readVariables(sources: VariableSources = {}): Variables {
  const found = new Map<string, FoundVariable>()
  const problems: ConfigurationProblem[] = []
  if (sources.file !== null) {
    for (const [name, variable] of fileVariables(sources.file ?? '.env', problems)) found.set(name, variable)
  }
  for (const [name, value] of Object.entries(sources.env ?? process.env)) {
    if (name.startsWith(PREFIX) && value) found.set(name, { value, origin: 'the process environment' })
  }
  const known = variableNames()
  for (const [name, { value, origin }] of found) {
    // Vitest's own workers and the lab's processes see these.
    if (known.includes(name) || INTERNAL_VARIABLES.includes(name)) {
      if (/PASSWORD|PASSPHRASE/.test(name)) registerSecret(value)
      continue
    }
    // It may be a misspelt secret.
    registerSecret(value)
    const meant = closest(name, known)
    problems.push({
      field: name,
      origin,
      problem: 'no variable of that name is read',
      remedy: meant ? `Did you mean ${meant}?` : 'See .env.example for the variables there are, or remove it.',
    })
  }
  return { found, problems }
}

/**
 * Sets the variables of the run (`FAILOVER_SEED`, `FAILOVER_REQUIRE`, …), which other parts read from the process, to what the
 * dotenv file says. What the process has already stays. Never touches credentials.
 */
export function applyRunVariables(file = '.env', env: NodeJS.ProcessEnv = process.env): void {
  const { found } = readVariables({ env, file })
  for (const { name } of VARIABLES.filter(({ scope }) => scope === 'run')) {
    const value = found.get(name)?.value
    if (value !== undefined && !env[name]) env[name] = value
  }
}

/** The value of one variable by its schema; what is wrong with it goes to `problems`. */
export function valueOf<T>(
  variables: Variables,
  description: VariableDescription,
  schema: z.ZodType<T>,
  problems: ConfigurationProblem[],
  dc?: DcName,
): T | undefined {
  const name = fullName(description, dc)
  const found = variables.found.get(name)
  if (!found) return undefined
  const parsed = schema.safeParse(found.value)
  if (parsed.success) return parsed.data
  const said = parsed.error.issues.map((issue) => issue.message).join(', ')
  const shown = description.secret ? '' : ` (it is ${JSON.stringify(found.value)})`
  problems.push({
    ...place(description, dc),
    origin: found.origin,
    problem: `${said}${shown}`,
    remedy: `Example: ${name}=${exampleOf(description, dc)}.`,
  })
  return undefined
}

/** The variable of a data centre, or of the run. */
export function fullName({ name, scope }: Pick<VariableDescription, 'name' | 'scope'>, dc?: DcName): string {
  return scope === 'site' ? `${PREFIX}${(dc ?? 'east').toUpperCase()}_${name}` : name
}

/** Where a problem with a variable lies. */
export function place(
  description: VariableDescription,
  dc?: DcName,
): Pick<ConfigurationProblem, 'field' | 'dc' | 'variable'> {
  const variable = fullName(description, dc)
  return dc ? { field: `dcs.${dc}.${description.field}`, dc, variable } : { field: description.field, variable }
}

/** The description of a variable of the table. */
export function variable(name: string): VariableDescription {
  const found = VARIABLES.find((candidate) => candidate.name === name)
  if (!found) throw new RangeError(`there is no variable ${name}`)
  return found
}

function* fileVariables(file: string, problems: ConfigurationProblem[]): Generator<[string, FoundVariable]> {
  let content: string
  try {
    content = readFileSync(resolve(file), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    problems.push({
      field: file,
      problem: `the file cannot be read: ${messageOf(error)}`,
      remedy: 'Make it readable, or remove it.',
    })
    return
  }
  const lines = content.split('\n')
  for (const [name, value] of Object.entries(parse(content))) {
    if (!name.startsWith(PREFIX) || !value) continue
    // The last line counts, as it does for dotenv.
    const line = lines.findLastIndex((text) => new RegExp(`^\\s*(export\\s+)?${name}\\s*[=:]`).test(text)) + 1
    yield [name, { value, origin: `${file} line ${line}` }]
  }
}
