import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const root = mkdtempSync(join(tmpdir(), 'failover-summary-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const passed = { fullName: 'a drill', status: 'passed', failureMessages: [] }
const failed = {
  fullName: 'another drill',
  status: 'failed',
  failureMessages: ['AssertionError: \u001b[31mRTO too long\u001b[39m\n    at x (/r/node_modules/y.js:1:1)'],
}

function lane(assertionResults: readonly { status: string }[], more: object = {}) {
  const count = (status: string) => assertionResults.filter((test) => test.status === status).length
  return {
    numPassedTests: count('passed'),
    numFailedTests: count('failed'),
    numPendingTests: 0,
    numTodoTests: 0,
    testResults: [{ name: '/r/one.test.ts', status: 'passed', message: '', assertionResults }],
    ...more,
  }
}

function summary(lanes: Readonly<Record<string, object>>, ...failedSteps: string[]) {
  const directory = mkdtempSync(join(root, 'case-'))
  for (const [name, results] of Object.entries(lanes)) {
    writeFileSync(join(directory, `${name}.json`), JSON.stringify(results))
  }
  const script = join(import.meta.dirname, 'ci-summary.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, directory, ...failedSteps], {
    encoding: 'utf8',
  })
  expect(stderr).toBe('')
  return { status, lines: stdout.trimEnd().split('\n') }
}

describe('the end of a CI log', () => {
  it('is one line where all is well', () => {
    expect(summary({ test: lane([passed]), vm: lane([passed]) })).toEqual({
      status: 0,
      lines: ['2 passed, 0 failed, 0 skipped'],
    })
  })

  it('names each failure with its reason, without colours and foreign stack lines', () => {
    const { status, lines } = summary({ test: lane([passed, failed]), vm: lane([passed]) }, 'npm test')
    expect(status).toBe(1)
    expect(lines).toEqual([
      expect.stringMatching(/^✗ test: .*one\.test\.ts > another drill$/),
      '    AssertionError: RTO too long',
      'failed steps: npm test',
      '2 passed, 1 failed, 0 skipped',
    ])
  })

  it('counts a file that failed without a failed test', () => {
    const broken = { name: '/r/two.test.ts', status: 'failed', message: 'no such module', assertionResults: [] }
    const { status, lines } = summary({ test: lane([passed], { testResults: [broken] }) }, 'npm test')
    expect(status).toBe(1)
    expect(lines).toContain('    no such module')
    expect(lines.at(-1)).toBe('1 passed, 1 failed, 0 skipped')
  })

  it('counts a step that left no failed test', () => {
    expect(summary({ test: lane([passed]) }, 'lint', 'hosts')).toEqual({
      status: 1,
      lines: ['failed steps: lint, hosts', '1 passed, 2 failed, 0 skipped'],
    })
  })

  it('leaves drills out that were run once more, and does not pass without any test', () => {
    const repeated = lane([passed, failed], { numFailedTests: 0, repeated: 1 })
    expect(summary({ drills: repeated, 'drills again': lane([passed]) }).lines).toEqual([
      '2 passed, 0 failed, 0 skipped',
    ])
    expect(summary({}).status).toBe(1)
  })

  it('shows less of each when there are many, and says how many more', () => {
    const long = { ...failed, failureMessages: ['x'.repeat(50_000)] }
    const { lines } = summary({ test: lane(Array.from({ length: 60 }, () => long)) }, 'npm test')
    expect(lines.join('\n').length).toBeLessThan(16_000)
    expect(lines).toContain('✗ … and 20 more')
  })
})
