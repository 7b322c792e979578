import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { dcEastWest } from '../../environments/dc-east-west.ts'
import { EnvironmentError, EnvironmentLockedError, lockLiveEnvironment } from './index.ts'

const directory = mkdtempSync(join(tmpdir(), 'failover-live-lock-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const env = {
  FAILOVER_TARGET: 'live',
  FAILOVER_EAST_REST_URL: 'https://east.example.com:9714/streams/',
  FAILOVER_EAST_DATA_URL: 'https://east.example.com:9980',
  FAILOVER_EAST_USERNAME: 'drill',
  FAILOVER_EAST_PASSWORD: 'correct horse east',
  FAILOVER_WEST_REST_URL: 'https://west.example.com:9714/streams',
  FAILOVER_WEST_DATA_URL: 'https://west.example.com:9980',
  FAILOVER_WEST_USERNAME: 'drill',
  FAILOVER_WEST_PASSWORD: 'correct horse west',
  FAILOVER_LEASE_DIR: directory,
}

describe('the lock of live sites without hosts', () => {
  it('is on this machine, names run and CI job, and is refused or waited for as FAILOVER_LOCK_WAIT says', async () => {
    const job = { CI_JOB_URL: 'https://ci.example.com/job/42' }
    const lock = await lockLiveEnvironment(dcEastWest, { file: null, env: { ...env, ...job }, run: 'r1' })
    expect(lock.path).toBe(join(directory, 'environment-dc-east-west.lock'))
    const refused = lockLiveEnvironment(dcEastWest, { file: null, env, run: 'r2' })
    await expect(refused).rejects.toThrow(EnvironmentLockedError)
    await expect(refused).rejects.toThrow(/locked by \S+@\S+ pid \d+ run r1 https:\/\/ci\.example\.com\/job\/42 since/)

    const holders: string[] = []
    const waiting = lockLiveEnvironment(dcEastWest, {
      file: null,
      env: { ...env, FAILOVER_LOCK_WAIT: '60s' },
      run: 'r2',
      ttl: '3s',
      onWaiting: ({ holder }) => {
        holders.push(holder)
        if (holders.length === 2) void lock[Symbol.asyncDispose]()
      },
    })
    const next = await waiting
    expect(holders[0]).toContain('run r1')
    expect(next.holder).toContain('run r2')
    await next[Symbol.asyncDispose]()
    expect(readdirSync(directory)).toEqual([])
  })

  it('is not taken with a time to wait that has no unit', async () => {
    const wrong = lockLiveEnvironment(dcEastWest, { file: null, env: { ...env, FAILOVER_LOCK_WAIT: '30' } })
    await expect(wrong).rejects.toThrow(EnvironmentError)
    await expect(wrong).rejects.toThrow(/FAILOVER_LOCK_WAIT.*not a duration/s)
  })
})
