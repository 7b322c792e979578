import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { AbortedError, Secret } from '../core/index.ts'
import { BundleMissingError, ConflictError, InstanceNotStartedError, ServerError } from './errors.ts'
import { openManagement } from './management-client.ts'
import type { DoubleOptions } from './testing/rest-double-elements.ts'
import { startDouble } from './testing/rest-double.ts'
import { readRequest, sendJson } from './testing/server.ts'

let directory: string
let bundle: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'streams-submit-'))
  bundle = join(directory, 'app.sab')
  await writeFile(bundle, 'PK')
})
afterAll(() => rm(directory, { recursive: true }))

function open(url: string) {
  return openManagement({
    dc: 'west',
    url,
    credentials: { username: 'u', password: new Secret('canary-submit') },
    retry: { base: '1ms', cap: '5ms' },
  })
}

/** Lets the first POST of a job fail in a way; `enter` says whether the job comes into being all the same. */
function failFirst(enter: boolean, how: 'reset' | '500'): DoubleOptions {
  let failed = false
  return {
    intercept: async (request, response, double) => {
      if (failed || request.method !== 'POST' || !request.url?.endsWith('/jobs')) return false
      failed = true
      await readRequest(request)
      if (enter) double.submit('app')
      if (how === 'reset') request.socket.resetAndDestroy()
      else sendJson(response, 'oops', 500)
      return true
    },
  }
}

const posts = (requests: readonly string[]): number =>
  requests.filter((request) => request === 'POST /streams/instances/inst/jobs').length

describe('submit', () => {
  it('uploads, and sends name, parameters and overlay', async () => {
    await using double = await startDouble()
    await using client = open(double.base)
    const job = await client.submit({
      bundle,
      name: 'app',
      parameters: { configFile: 'etc/dc1.txt' },
      overlay: {
        comment: 'c',
        jobConfigOverlays: [
          {
            jobConfig: { jobGroup: 'g', submissionParameters: [{ name: 'rate', value: '5' }] },
            deploymentConfig: { fusionScheme: 'manual' },
          },
        ],
      },
    })
    expect(job).toMatchObject({ name: 'app', status: 'running' })
    expect(double.jobs.get(job.id)?.body).toEqual({
      application: 'bundleId:0123abcd',
      preview: false,
      jobConfigurationOverlay: {
        comment: 'c',
        jobConfigOverlays: [
          {
            deploymentConfig: { fusionScheme: 'manual' },
            jobConfig: {
              jobGroup: 'g',
              jobName: 'app',
              submissionParameters: [
                { name: 'rate', value: '5' },
                { name: 'configFile', value: 'etc/dc1.txt' },
              ],
            },
          },
        ],
      },
    })
  })

  it('names the path of a missing bundle, before anything is sent', async () => {
    await using double = await startDouble()
    await using client = open(double.base)
    const path = join(directory, 'nope.sab')
    const error: unknown = await client.submit({ bundle: path, name: 'app' }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(BundleMissingError)
    expect(error).toMatchObject({ path, dc: 'west' })
    expect((error as Error).message).toContain(path)
    expect(double.requests).toEqual([])
    await writeFile(join(directory, 'empty.sab'), '')
    await expect(client.upload(join(directory, 'empty.sab'))).rejects.toThrow(/empty/)
  })

  it.each(['reset', '500'] as const)('finds its job by name when the answer is lost (%s)', async (how) => {
    await using double = await startDouble(failFirst(true, how))
    await using client = open(double.base)
    expect((await client.submit({ bundle, name: 'app' })).name).toBe('app')
    expect(double.jobs.size).toBe(1)
    expect(posts(double.requests)).toBe(1)
    expect(client.notices.join()).toContain('found by its name')
  })

  it('sends again only after the name was not found for a while', async () => {
    await using double = await startDouble(failFirst(false, 'reset'))
    await using client = open(double.base)
    await client.submit({ bundle, name: 'app', within: '6s' })
    expect(double.jobs.size).toBe(1)
    expect(posts(double.requests)).toBe(2)
    const lookups = double.requests.filter((request) => request.includes('jobs?name=app'))
    expect(lookups.length).toBeGreaterThan(5)
  })

  it('does not guess without a name', async () => {
    await using double = await startDouble(failFirst(true, 'reset'))
    await using client = open(double.base)
    const error: unknown = await client.submit({ bundle }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConflictError)
    expect((error as ConflictError).remedy).toContain('unique `name`')
    expect(posts(double.requests)).toBe(1)
  })

  it('refuses a name that is taken, or takes its job over', async () => {
    await using double = await startDouble()
    const id = double.submit('app')
    await using client = open(double.base)
    await expect(client.submit({ bundle, name: 'app' })).rejects.toBeInstanceOf(ConflictError)
    expect((await client.submit({ bundle, name: 'app', ifExists: 'reuse' })).id).toBe(id)
    expect(double.jobs.size).toBe(1)
  })

  it('fails at once where the instance is stopped, and waits where it starts', async () => {
    await using double = await startDouble()
    await using client = open(double.base)
    double.instanceStatus = 'stopped'
    await expect(client.submit({ bundle: { bundleId: 'bundleId:1' } })).rejects.toBeInstanceOf(InstanceNotStartedError)
    double.instanceStatus = 'starting'
    const submitted = client.submit({ bundle: { bundleId: 'bundleId:1' }, within: '10s' })
    setTimeout(() => (double.instanceStatus = 'running'), 100)
    expect((await submitted).id).toBe('1')
  })

  it('a storm of errors ends with the error, a signal with an end', async () => {
    await using double = await startDouble({
      intercept: (request, response) => {
        if (!request.url?.includes('applicationbundles')) return false
        sendJson(response, 'no', 503)
        return true
      },
    })
    await using client = open(double.base)
    await expect(client.submit({ bundle, name: 'app' })).rejects.toBeInstanceOf(ServerError)
    await expect(client.submit({ bundle, name: 'app', signal: AbortSignal.abort() })).rejects.toBeInstanceOf(
      AbortedError,
    )
  })
})
