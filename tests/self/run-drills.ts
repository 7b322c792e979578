import { resolve } from 'node:path'
import { runInline, type InlineOptions, type InlineResult } from './run-inline.ts'

const REPOSITORY = resolve(import.meta.dirname, '../..')

/** Runs specs of this repository, or texts given here, against embedded labs of their own, with run directory and all. */
export function runDrills(
  specs: readonly string[] | Readonly<Record<string, string>>,
  options: InlineOptions = {},
): Promise<InlineResult> {
  const inline = Array.isArray(specs) ? undefined : (specs as Readonly<Record<string, string>>)
  const include = inline
    ? ['*.spec.ts']
    : (specs as readonly string[]).map((spec) => resolve(REPOSITORY, 'specs', spec))
  const config = `
import { defineConfig } from 'vitest/config'
import { environments } from '../../../environments/index.ts'
import { targetOf } from '../../../lib/environment/target.ts'
import { environmentProjects } from '../../../lib/vitest/projects.ts'

export default defineConfig({
  test: {
    reporters: [['default', { summary: false }], '${REPOSITORY}/lib/report/reporter.ts'],
    projects: environmentProjects(environments, { targetOf, include: ${JSON.stringify(include)} }),
  },
})
`
  return runInline({ ...inline, 'vitest.config.ts': config }, { within: '90s', ...options })
}
