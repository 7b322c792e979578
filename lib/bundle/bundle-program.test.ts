import { execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { bundleProgram } from './index.ts'

let directory: string

beforeEach(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'failover-bundle-')))
  vi.stubEnv('FAILOVER_CACHE_DIR', join(directory, 'cache'))
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(directory, { recursive: true })
})

async function program(greeting: string): Promise<string> {
  await writeFile(join(directory, 'greeting.ts'), `export const greeting: string = ${JSON.stringify(greeting)}\n`)
  const entry = join(directory, 'hello.main.ts')
  const lines = [
    `import { connect } from 'node:net'`,
    `import { greeting } from './greeting.ts'`,
    `process.stdout.write(JSON.stringify([greeting, typeof connect, import.meta.url]))`,
  ]
  await writeFile(entry, lines.join('\n'))
  return entry
}

function run(path: string): unknown {
  return JSON.parse(execFileSync(process.execPath, [path], { encoding: 'utf8' }))
}

it('makes one program of an entry and its imports, which knows where its source was', async () => {
  const entry = await program('hello')
  expect(run(await bundleProgram(entry))).toEqual(['hello', 'function', pathToFileURL(entry).href])
})

it('returns the stored program until an input changes', async () => {
  const entry = await program('one')
  const first = await bundleProgram(entry)
  const made = await stat(first)
  expect(await bundleProgram(entry)).toBe(first)
  expect((await stat(first)).ino).toBe(made.ino)
  await program('another')
  const second = await bundleProgram(entry)
  expect(second).not.toBe(first)
  expect(run(second)).toContain('another')
})

it('makes a stored program again that was taken away', async () => {
  const entry = await program('kept')
  const path = await bundleProgram(entry)
  await rm(dirname(path), { recursive: true })
  expect(await bundleProgram(entry)).toBe(path)
  expect(await readFile(path, 'utf8')).toContain('kept')
})

it('serves any number of callers at once', async () => {
  const entry = await program('many')
  const paths = await Promise.all(Array.from({ length: 8 }, () => bundleProgram(entry)))
  expect(new Set(paths).size).toBe(1)
})

it('fails as the bundler does when there is nothing to bundle', async () => {
  await expect(bundleProgram(join(directory, 'missing.main.ts'))).rejects.toThrow(/missing\.main\.ts/)
})

it.skipIf(process.platform === 'win32')('refuses a cache that others may write to', async () => {
  await mkdir(join(directory, 'cache'))
  await chmod(join(directory, 'cache'), 0o777)
  await expect(bundleProgram(await program('unsafe'))).rejects.toThrow(/FAILOVER_CACHE_DIR/)
})
