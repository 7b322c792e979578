import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { bundleProgram } from '../bundle/index.ts'
import { AbortedError, now } from '../core/index.ts'
import { hostShells, testRoot, until } from '../faults/testing/lease-host.ts'
import { localShell } from '../hosts/index.ts'
import { acquireEnvironmentLock, EnvironmentLockedError, EnvironmentLockError } from './index.ts'
import type { EnvironmentLockOptions } from './lock.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

const root = testRoot()
afterAll(() => rmSync(root, { recursive: true, force: true }))

describe.each(hostShells(root))('the lock of an environment on a host whose sh is $name', ({ path }) => {
  const shell = localShell({ name: 'east-app1', env: { PATH: path } })
  const options = (more: Partial<EnvironmentLockOptions> = {}): EnvironmentLockOptions => ({
    shell,
    directory: mkdtempSync(join(root, 'lock-')),
    environment: 'dc-east-west',
    ...more,
  })

  it('is refused to a second one by the name of the holder, until it is released', async () => {
    const first = options({ holder: 'alice@build-7 pid 42 https://ci.example.com/job/1' })
    const lock = await acquireEnvironmentLock(first)
    const refused = acquireEnvironmentLock({ ...first, holder: 'bob@build-8' })
    await expect(refused).rejects.toThrow(EnvironmentLockedError)
    await expect(refused).rejects.toThrow(
      /dc-east-west is locked by alice@build-7 pid 42 https:\/\/ci\.example\.com\/job\/1 since 20\d\d-\S+Z \(.* on east-app1\); the lock ends (2\d\.\d\d|30\.00)s from now/,
    )
    // Another environment on the same host is nobody else's business.
    await (await acquireEnvironmentLock({ ...first, environment: 'other' }))[Symbol.asyncDispose]()
    await lock[Symbol.asyncDispose]()
    const next = await acquireEnvironmentLock({ ...first, holder: 'bob@build-8' })
    await next[Symbol.asyncDispose]()
    expect(readdirSync(first.directory)).toEqual([])
  })

  it('is waited for, with word of whom, as long as is asked and no longer', async () => {
    const first = options({ holder: 'alice', ttl: '3s' })
    const lock = await acquireEnvironmentLock(first)
    const seen: string[] = []
    const onWaiting: EnvironmentLockOptions['onWaiting'] = ({ holder }) => seen.push(holder)
    const start = now()
    await expect(acquireEnvironmentLock({ ...first, wait: '700ms', onWaiting })).rejects.toThrow(
      /locked by alice .* Waited 7\d\dms for it|locked by alice .* Waited (8|9)\d\dms|locked by alice .* Waited \d\.\d\ds/,
    )
    expect(now() - start).toBeGreaterThan(700)
    expect(new Set(seen)).toEqual(new Set(['alice']))
    const second = acquireEnvironmentLock({ ...first, holder: 'bob', wait: '30s' })
    await lock[Symbol.asyncDispose]()
    await (await second)[Symbol.asyncDispose]()

    const controller = new AbortController()
    const third = await acquireEnvironmentLock(first)
    const given = acquireEnvironmentLock({
      ...first,
      wait: '30s',
      signal: controller.signal,
      onWaiting: () => controller.abort(),
    })
    await expect(given).rejects.toThrow(AbortedError)
    await third[Symbol.asyncDispose]()
  })

  it('is held for as long as it is renewed', async () => {
    const first = options({ ttl: '600ms' })
    const lost: Error[] = []
    const lock = await acquireEnvironmentLock({ ...first, onLost: (error) => lost.push(error) })
    await expect(acquireEnvironmentLock({ ...first, wait: '2s' })).rejects.toThrow(/Waited (2|3|4)\.\d\ds/)
    expect(lost).toEqual([])
    await lock[Symbol.asyncDispose]()
  })

  it('is anybody’s after a reboot of its host, and its holder is told', async () => {
    const first = options({ ttl: '900ms' })
    const lost: Error[] = []
    const lock = await acquireEnvironmentLock({ ...first, holder: 'alice', onLost: (error) => lost.push(error) })
    const token = readlinkSync(lock.path)
    writeFileSync(`${lock.path}.${token}.deadline`, `another-boot ${Number.MAX_SAFE_INTEGER}\n`)
    const next = await acquireEnvironmentLock({ ...first, holder: 'bob' })
    await until('its holder to be told', () => lost.length === 1)
    expect(lost[0]?.message).toMatch(/was not renewed within 900ms and is lost: bob has it now/)
    await lock[Symbol.asyncDispose]()
    // What is gone is not released: it is the next one's.
    await expect(acquireEnvironmentLock(first)).rejects.toThrow(/locked by bob/)
    await next[Symbol.asyncDispose]()
  })

  it('is held by one at a time, however many want it, also when it was left behind', async () => {
    const first = options({ ttl: '20s' })
    const left = await acquireEnvironmentLock({ ...first, holder: 'the dead' })
    writeFileSync(`${left.path}.${readlinkSync(left.path)}.deadline`, `another-boot 0\n`)
    let inside = 0
    let most = 0
    let entered = 0
    await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const lock = await acquireEnvironmentLock({ ...first, holder: `number ${index}`, wait: '50s', ttl: '3s' })
        most = Math.max(most, ++inside)
        entered++
        await shell.run(['true'], { within: '10s' })
        inside--
        await lock[Symbol.asyncDispose]()
      }),
    )
    expect([most, entered]).toEqual([1, 8])
    await left[Symbol.asyncDispose]()
  })

  it('is refused where it cannot be written', async () => {
    const blocked = join(mkdtempSync(join(root, 'blocked-')), 'file')
    writeFileSync(blocked, '')
    const refused = acquireEnvironmentLock(options({ directory: join(blocked, 'below') }))
    await expect(refused).rejects.toThrow(EnvironmentLockError)
    await expect(refused).rejects.toThrow(/cannot be locked on east-app1: .*writable there and its disk not full/s)
  })
})

describe('two processes and one environment', () => {
  const directory = join(root, 'shared')
  interface Holder {
    readonly child: ChildProcess
    readonly said: () => string
  }
  const start = async (holder: string, ttl: string, wait: string): Promise<Holder> => {
    const program = await bundleProgram(join(import.meta.dirname, 'lock-holder.test.main.ts'))
    const child = spawn(process.execPath, [program, directory, 'dc-east-west', holder, ttl, wait], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
    return { child, said: () => text }
  }

  it('one works, the other is refused by name or waits; when the first is killed the second goes on', async () => {
    const alice = await start('alice@one', '3s', '0s')
    await until('alice to lock', () => alice.said() === 'locked\n', '30s')
    const carol = await start('carol@three', '3s', '0s')
    await until('carol to be refused', () => carol.said().startsWith('refused: '), '30s')
    expect(carol.said()).toMatch(/dc-east-west is locked by alice@one since/)
    const bob = await start('bob@two', '3s', '60s')
    await until('bob to wait', () => bob.said().includes('waiting for alice@one'), '30s')
    alice.child.kill('SIGKILL')
    const killed = now()
    await until('bob to go on', () => bob.said().includes('locked'), '30s')
    expect(now() - killed).toBeLessThan(3000 + 3000)
    bob.child.stdin?.end()
    await until('bob to release', () => bob.said().includes('released'), '30s')
    expect(readdirSync(directory)).toEqual([])
  })

  it('one that stalls for too long loses it, and is told who has it', async () => {
    const alice = await start('alice@one', '2s', '0s')
    await until('alice to lock', () => alice.said() === 'locked\n', '30s')
    alice.child.kill('SIGSTOP')
    const bob = await start('bob@two', '20s', '60s')
    await until('bob to go on', () => bob.said().includes('locked'), '30s')
    alice.child.kill('SIGCONT')
    await until('alice to be told', () => alice.said().includes('lost: '), '30s')
    expect(alice.said()).toMatch(/was not renewed within 2\.00s and is lost: bob@two has it now/)
    alice.child.stdin?.end()
    await until('alice to end', () => alice.said().includes('released'), '30s')
    const token = readlinkSync(join(directory, 'environment-dc-east-west.lock'))
    expect(readFileSync(join(directory, `environment-dc-east-west.lock.${token}.holder`), 'utf8')).toMatch(/^bob@two\n/)
    bob.child.stdin?.end()
    await until('bob to release', () => bob.said().includes('released'), '30s')
  })
})
