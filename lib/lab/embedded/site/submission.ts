import type { Bundle } from './bundle-file.ts'
import { invalidValue, Refusal } from './refusal.ts'

/** What a submission asks for, already checked for its form. */
export interface Submission {
  readonly bundleId: string
  readonly name?: string | undefined
  readonly jobGroup?: string | undefined
  readonly parameters: Readonly<Record<string, string>>
}

/**
 * A job name that may be given.
 * @throws Refusal for one that is malformed (CDISA5246E), or that a job of the instance has already
 */
export function jobName(name: string, taken: readonly string[]): string {
  if (name.length > 1024 || /[\s/\\]/.test(name)) {
    throw new Refusal(400, 'CDISA5246E', `The job name is not valid: ${name}`)
  }
  if (taken.includes(name)) {
    throw new Refusal(409, 'CDISA5246E', `The job name is not valid, a job has it already: ${name}`)
  }
  return name
}

/**
 * The parameters that a job runs with: those given, and the application's defaults.
 * @throws Refusal for an unknown, a missing or an impossible one
 */
export function resolveParameters(bundle: Bundle, given: Readonly<Record<string, string>>): Record<string, string> {
  const known = new Map(bundle.parameters.map((parameter) => [parameter.name, parameter]))
  const stray = Object.keys(given).find((name) => !known.has(name))
  if (stray !== undefined) throw invalidValue(`The application has no submission parameter ${stray}.`)
  const resolved: Record<string, string> = {}
  for (const { name, required, defaultValue, values } of known.values()) {
    const value = given[name] ?? defaultValue
    if (value === undefined) {
      if (required) throw invalidValue(`The submission parameter ${name} is required.`)
      continue
    }
    if (values && !values.includes(value)) {
      throw invalidValue(`The submission parameter ${name} cannot be ${value}: it is one of ${values.join(', ')}.`)
    }
    resolved[name] = value
  }
  return resolved
}
