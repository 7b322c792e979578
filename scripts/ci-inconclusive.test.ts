import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'

const root = mkdtempSync(join(tmpdir(), 'failover-again-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const passed = { name: 'a', file: 'specs/a.spec.ts', verdict: 'pass', classification: 'none' }
const doubtful = {
  name: 'b',
  file: 'specs/b.spec.ts',
  verdict: 'fail',
  classification: 'inconclusive',
  problems: ['too wide to tell'],
}
const failed = { name: 'c', file: 'specs/c.spec.ts', verdict: 'fail', classification: 'product' }

function again(drills: readonly object[], numFailedTests: number, problems: readonly string[] = []) {
  const directory = mkdtempSync(join(root, 'case-'))
  const results = join(directory, 'results.json')
  mkdirSync(join(directory, 'runs', 'one'), { recursive: true })
  writeFileSync(join(directory, 'runs', 'one', 'report.json'), JSON.stringify({ drills, problems }))
  writeFileSync(results, JSON.stringify({ numPassedTests: 1, numFailedTests }))
  const script = join(import.meta.dirname, 'ci-inconclusive.mjs')
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, results, join(directory, 'runs')], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr, results: JSON.parse(readFileSync(results, 'utf8')) as object }
}

describe('drills that could not tell', () => {
  it('are named with the reason, to be run once more, and are neither passed nor failed', () => {
    const told = again([passed, doubtful], 1)
    expect(told).toMatchObject({ status: 0, stdout: 'specs/b.spec.ts\n' })
    expect(told.stderr).toContain('could not tell, and is run once more: b\n  too wide to tell')
    expect(told.results).toEqual({ numPassedTests: 1, numFailedTests: 0, repeated: 1 })
  })

  it.each([
    ['a drill failed beside them', [passed, doubtful, failed], 2, []],
    ['something else failed beside them', [passed, doubtful], 2, []],
    ['the run itself had a problem', [passed, doubtful], 1, ['unhandled error']],
    ['nothing was in doubt', [passed], 1, []],
  ])('are not repeated where %s', (_what, drills, count, problems) => {
    expect(again(drills, count, problems)).toMatchObject({ status: 1, stdout: '', results: { numFailedTests: count } })
  })
})
