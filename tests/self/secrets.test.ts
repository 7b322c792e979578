import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runInline } from './run-inline.ts'

const CANARY = 'canary-Zm9v-5w0rdfish'

/** Texts of all files below a directory. */
function texts(directory: string): string {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n')
}

describe('a secret of the environment', () => {
  it('is in no output and no file, however it gets into an error', async () => {
    using run = await runInline(
      {
        'a.spec.ts': `
import { expect } from 'vitest'
import { it } from '../../../tests/self/fake-drill.ts'
const secret = process.env.FAILOVER_EAST_PASSWORD
it('throws it', () => { throw new Error('login failed: ' + secret) })
it('throws it encoded', () => { throw new Error('Basic ' + Buffer.from(secret).toString('base64')) })
it('has it in a cause', () => { throw new Error('no', { cause: new Error('at https://user:' + secret + '@east') }) })
it('compares it', () => { expect('x' + secret).toBe('y') })
it('finds it', ({ drill }) => drill.judge('fail', 'came out as ' + secret))
it('rejects with it', () => { void Promise.reject(new Error('nobody looks at ' + secret)) })`,
      },
      { env: { FAILOVER_EAST_PASSWORD: CANARY } },
    )
    expect(run.exitCode).toBe(1)
    expect(run.report?.drills).toHaveLength(6)
    const files = texts(join(run.directory, '.failover'))
    for (const form of [CANARY, Buffer.from(CANARY).toString('base64'), encodeURIComponent(CANARY)]) {
      expect(files).not.toContain(form)
      expect(run.output).not.toContain(form)
    }
    expect(run.output).toContain('login failed: [secret]')
    expect(run.report?.problems).toEqual(['unhandled error: nobody looks at [secret]'])
  })
})
