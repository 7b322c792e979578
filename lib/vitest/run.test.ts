import { mkdtempSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { beginRun, claimDrillDirectory, currentRun, endRun, openRunDirectory } from './run.ts'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'failover-run-'))
  endRun()
})
afterEach(() => {
  endRun()
  rmSync(root, { recursive: true })
})

describe('a run', () => {
  it('is one for the whole process, until it is ended', () => {
    expect(currentRun()).toBeUndefined()
    const run = beginRun(root)
    expect(beginRun(root)).toBe(run)
    endRun()
    expect(beginRun(root).id).not.toBe(run.id)
  })

  it('writes nothing before it is opened, then is what latest points to', () => {
    const run = beginRun(root)
    expect(() => statSync(run.directory)).toThrow('ENOENT')
    openRunDirectory(run)
    expect(readlinkSync(join(root, '.failover/latest'))).toBe(join('runs', run.id))
    endRun()
    const next = beginRun(root)
    openRunDirectory(next)
    expect(readlinkSync(join(root, '.failover/latest'))).toBe(join('runs', next.id))
  })
})

describe('the directory of a drill', () => {
  const drill = { environment: 'dc-east-west', file: 'specs/a.spec.ts', name: 'a data centre is lost > is taken over!' }

  it('has a readable name, the same for the same drill', () => {
    const directory = claimDrillDirectory(join(root, 'r1'), drill)
    expect(directory).toMatch(/\/dc-east-west-a-data-centre-is-lost-is-taken-over-[0-9a-f]{8}$/)
    expect(claimDrillDirectory(join(root, 'r2'), drill).replace('/r2/', '/r1/')).toBe(directory)
    expect(statSync(directory).isDirectory()).toBe(true)
  })

  it('is another one for a repetition and for another file', () => {
    const first = claimDrillDirectory(root, drill)
    expect(claimDrillDirectory(root, drill)).toBe(`${first}-2`)
    expect(claimDrillDirectory(root, drill)).toBe(`${first}-3`)
    expect(claimDrillDirectory(root, { ...drill, file: 'specs/b.spec.ts' })).not.toContain(first)
  })
})
