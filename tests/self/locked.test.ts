import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runInline, type InlineOptions } from './run-inline.ts'

const directory = mkdtempSync(join(tmpdir(), 'failover-locked-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const locks = join(directory, 'locks')

/** A live environment whose first host is this machine. */
const CONFIG = `
import { defineConfig } from 'vitest/config'
import { acquireEnvironmentLock } from '../../../lib/environment/index.ts'
import { localShell } from '../../../lib/hosts/index.ts'
import { environmentProjects } from '../../../lib/vitest/projects.ts'

export default defineConfig({
  test: {
    projects: environmentProjects([{ name: 'fake' }], {
      targetOf: () => ({ target: 'live', byDefault: false }),
      include: ['*.spec.ts'],
      lock: ({ name }, { run, ...options }) => acquireEnvironmentLock({
        ...options,
        shell: localShell({ name: 'east-app1' }),
        directory: process.env.LOCKS,
        environment: name,
        holder: process.env.HOLDER + ' run ' + run,
        ttl: process.env.TTL,
        wait: process.env.FAILOVER_LOCK_WAIT,
      }),
    }),
  },
})`

const spec = (body: string): Readonly<Record<string, string>> => ({
  'vitest.config.ts': CONFIG,
  'a.spec.ts': `
import { existsSync, rmSync } from 'node:fs'
import { it } from '../../../tests/self/fake-drill.ts'
it('is a drill', async ({ drill }) => { drill.inject(); ${body} })`,
})

const options = (holder: string, wait: string, more: Partial<InlineOptions> = {}): InlineOptions => ({
  args: ['--project', 'fake'],
  env: { LOCKS: locks, HOLDER: holder, TTL: '5s', FAILOVER_LOCK_WAIT: wait },
  within: '60s',
  ...more,
})

it('two CI jobs against one environment: one works, the others are refused by its name or wait for it', async () => {
  const [on, end] = [join(directory, 'on'), join(directory, 'end')]
  const waitForEnd = `
    const { writeFileSync } = await import('node:fs')
    writeFileSync(${JSON.stringify(on)}, '')
    await expect.poll(() => existsSync(${JSON.stringify(end)}), { timeout: 100_000 }).toBe(true)`
  const imports = `import { expect } from 'vitest'\n`
  const files = spec(waitForEnd)
  const first = runInline(
    { ...files, 'a.spec.ts': imports + files['a.spec.ts'] },
    options('alice@one', '0s', { within: '110s' }),
  )
  await expect.poll(() => readdirSync(directory).includes('on'), { timeout: 50_000 }).toBe(true)

  using refused = await runInline(spec(''), options('bob@two', '0s'))
  expect(refused.exitCode).toBe(1)
  expect(refused.output).toMatch(/The environment fake is locked by alice@one run \S+ since \S+ \(\S+ on east-app1\)/)
  expect(refused.read('log')).toBeUndefined()

  let seen = ''
  const waited = runInline(
    spec(''),
    options('carol@three', '90s', { within: '110s', onOutput: (output) => (seen = output) }),
  )
  await expect
    .poll(() => seen, { timeout: 50_000 })
    .toMatch(/fake: waiting for its lock, which alice@one run \S+ has held since \S+/)
  writeFileSync(end, '')
  using done = await first
  expect(done.exitCode, done.output).toBe(0)
  using next = await waited
  expect(next.exitCode, next.output).toBe(0)
  expect(readdirSync(locks)).toEqual([])
}, 240_000)

it('a run whose lock was taken over while it was away heals, says who has it, and fails', async () => {
  const on = join(directory, 'second-on')
  const running = runInline(
    spec(`(await import('node:fs')).writeFileSync(${JSON.stringify(on)}, ''); await drill.hang()`),
    options('alice@one', '0s', { within: '100s' }),
  )
  await expect.poll(() => existsSync(on), { timeout: 50_000 }).toBe(true)
  // As if the host had been rebooted.
  rmSync(join(locks, 'environment-fake.lock'))
  using run = await running
  expect(run.exitCode, run.output).toBe(1)
  expect(run.output).toMatch(/The lock of the environment fake on east-app1 was not renewed within 5\.00s and is lost/)
  expect(run.read('fault-on')).toBeUndefined()
}, 120_000)
