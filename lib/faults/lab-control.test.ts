import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { localShell } from '../hosts/index.ts'
import { labVerb, orLabGone } from './lab-control.ts'
import type { FaultEnvironment } from './target.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 30_000 })

const directory = mkdtempSync(join(tmpdir(), 'failover-control-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const shell = localShell()

/** An environment whose lab answers as long as a file is there. */
function environmentWith(there: boolean): FaultEnvironment {
  const file = join(directory, "the lab's socket")
  if (there) writeFileSync(file, '')
  else rmSync(file, { force: true })
  return { name: 'x', lab: { directory, control: ['sh', '-c', 'test -e "$0"', file] } } as unknown as FaultEnvironment
}

describe('an undo in a lab', () => {
  it('is done when its command worked', async () => {
    expect(await shell.run(orLabGone(environmentWith(true), ['true']), { within: '10s' })).toMatchObject({ code: 0 })
  })

  it('is not done when its command failed and the lab lives', async () => {
    expect(await shell.run(orLabGone(environmentWith(true), ['false']), { within: '10s' })).toMatchObject({ code: 1 })
  })

  it('is done when the lab is gone, with all that was broken in it', async () => {
    const result = await shell.run(orLabGone(environmentWith(false), ['false']), { within: '20s' })
    expect(result).toMatchObject({ code: 0, stdout: expect.stringContaining('the lab is gone') })
  })

  it('is the command itself where there is no lab', () => {
    const site = { name: 'site' } as unknown as FaultEnvironment
    expect(orLabGone(site, ['true'])).toEqual(['true'])
    expect(() => labVerb(site, ['links', 'cut'])).toThrow(/site has no lab, so links cut is not possible/)
  })
})
