import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { environments } from './environments/index.ts'
import { applyRunVariables, lockLiveEnvironment, targetOf } from './lib/environment/index.ts'
import { environmentProjects } from './lib/vitest/projects.ts'

// CI adds up the results of all of its lanes.
const results = process.env.CI_RESULTS

// Most tests wait for other processes most of the time: Vitest's one worker would leave a small machine idle.
const maxWorkers = Math.max(2, availableParallelism() - 1)

// Variables of .env that do not belong to an environment, such as FAILOVER_SEED.
applyRunVariables()

export default defineConfig({
  test: {
    // The failover reporter draws its own live lines.
    reporters: [
      ['default', { summary: false }],
      './lib/report/reporter.ts',
      ...(results ? [['json', { outputFile: results }] as ['json', object]] : []),
    ],
    attachmentsDir: '.failover/attachments',
    teardownTimeout: 120_000,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['lib/**/*.test.ts', 'scripts/**/*.test.ts'],
          exclude: ['lib/lab/**'],
          pool: 'forks',
          maxWorkers,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'lab',
          include: ['lib/lab/**/*.test.ts'],
          pool: 'forks',
          maxWorkers,
          testTimeout: 60_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'self',
          include: ['tests/**/*.test.ts'],
          exclude: ['tests/hosts/**'],
          pool: 'forks',
          fileParallelism: false,
          maxConcurrency: maxWorkers,
          testTimeout: 60_000,
          hookTimeout: 30_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        // On real hosts and kernels: each file says what it needs, and is skipped where the machine lacks it.
        test: {
          name: 'hosts',
          include: ['tests/hosts/**/*.test.ts'],
          exclude: ['tests/hosts/vm/**'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 5 },
        },
      },
      {
        // The same on a machine with a stock kernel, which is emulated and slow.
        test: {
          name: 'vm',
          include: ['tests/hosts/vm/**/*.test.ts'],
          pool: 'forks',
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 6 },
        },
      },
      ...environmentProjects(environments, { targetOf, lock: lockLiveEnvironment }),
    ],
  },
})
