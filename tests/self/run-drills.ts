import { resolve } from 'node:path'
import { runInline, type InlineOptions, type InlineResult } from './run-inline.ts'

const REPOSITORY = resolve(import.meta.dirname, '../..')

/**
 * Runs specs of this repository, or texts given here, with run directory and all: against embedded labs of their own, or whatever
 * the environment and `files` (a `.env`, for one) say.
 */
export function runDrills(
  specs: readonly string[] | Readonly<Record<string, string>>,
  options: InlineOptions & { readonly files?: Readonly<Record<string, string>> } = {},
): Promise<InlineResult> {
  const inline = Array.isArray(specs) ? undefined : (specs as Readonly<Record<string, string>>)
  const include = inline
    ? ['*.spec.ts']
    : (specs as readonly string[]).map((spec) => resolve(REPOSITORY, 'specs', spec))
  const config = `
import { defineConfig } from 'vitest/config'
import { environments } from '../../../environments/index.ts'
import { lockLiveEnvironment } from '../../../lib/environment/live-lock.ts'
import { targetOf } from '../../../lib/environment/target.ts'
import { environmentProjects } from '../../../lib/vitest/projects.ts'

export default defineConfig({
  test: {
    reporters: [['default', { summary: false }], '${REPOSITORY}/lib/report/reporter.ts'],
    projects: environmentProjects(environments, {
      targetOf,
      lock: lockLiveEnvironment,
      include: ${JSON.stringify(include)},
    }),
  },
})
`
  return runInline({ ...inline, ...options.files, 'vitest.config.ts': config }, { within: '90s', ...options })
}
