import type { TestProject } from 'vitest/node'

/** What everyone may know about the environment of a project: it is shown by reporters, so it carries no secret. */
export interface ProvidedEnvironment {
  readonly name: string
  readonly target: string
  /** Nothing was configured, so the embedded lab stands in. */
  readonly byDefault: boolean
}

declare module 'vitest' {
  interface ProvidedContext {
    /** The environment of the project, by name; the fixtures resolve it. */
    failoverEnvironment: ProvidedEnvironment
    /** Its name alone, which the fixtures take. */
    environmentName: string
  }
}

/** The environment of a project, or nothing for a project that runs no drills (unit tests). */
export function environmentOf(project: Pick<TestProject, 'getProvidedContext'>): ProvidedEnvironment | undefined {
  const { failoverEnvironment } = project.getProvidedContext()
  return isProvided(failoverEnvironment) ? failoverEnvironment : undefined
}

function isProvided(value: unknown): value is ProvidedEnvironment {
  return typeof value === 'object' && value !== null && 'name' in value && 'target' in value
}
