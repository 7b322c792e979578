import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { generate } from 'selfsigned'
import { eventually, Secret } from '../core/index.ts'
import { temporaryRecorder, type Ledger } from '../traffic/test-ledger.ts'
import { openTraffic, type Traffic, type TrafficDc, type TrafficRun } from '../traffic/index.ts'
import { startEmbeddedLab } from './embedded/index.ts'
import type { EmbeddedLab, EmbeddedLabOptions, EmbeddedSite } from './embedded/types.ts'

interface Stage extends AsyncDisposable {
  readonly lab: EmbeddedLab
  readonly traffic: Traffic
  ledger(): Ledger
  control(...words: string[]): Promise<unknown>
}

const execute = promisify(execFile)

async function stage(options: Partial<EmbeddedLabOptions> = {}): Promise<Stage> {
  const directory = await mkdtemp(join(tmpdir(), 'failover-traffic-'))
  const lab = await startEmbeddedLab({ directory, ...options })
  const recorder = temporaryRecorder()
  // Of a passive pair, one has the application's job from the start; the other launches one of the same name.
  const job = lab.sites.east.jobName
  const dc = ({ dc, dataUrl: url, username, password, ca }: EmbeddedSite): TrafficDc => ({
    data: { dc, url, credentials: { username, password }, tls: { ca } },
    endpoints: { job, inject: 'Ingest', inspect: 'Results' },
  })
  const traffic = openTraffic({ dcs: { east: dc(lab.sites.east), west: dc(lab.sites.west) }, recorder, seed: 11 })
  return {
    lab,
    traffic,
    ledger: () => recorder.ledger(),
    async control(...words) {
      const [node = '', ...args] = lab.control
      const { stdout } = await execute(node, [...args, ...words])
      return JSON.parse(stdout) as unknown
    },
    async [Symbol.asyncDispose]() {
      await traffic[Symbol.asyncDispose]()
      await recorder[Symbol.asyncDispose]()
      await lab[Symbol.asyncDispose]()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function until(run: TrafficRun, describe: string, done: () => boolean): Promise<unknown> {
  const probe = async () =>
    done() ? ({ done: true, value: 0 } as const) : ({ done: false, seen: JSON.stringify(run.stats().homes) } as const)
  return eventually(probe, { within: '20s', every: '10ms', describe })
}

/** Acknowledged tuples that were never seen. */
function lost({ sends, sights }: Ledger): readonly unknown[] {
  const seen = new Set(sights.map((sight) => sight.seq))
  return sends.filter((send) => send.outcome === 'acknowledged' && !seen.has(send.seq))
}

describe('traffic through a lab', () => {
  it('is acknowledged, seen, counted and summed', async () => {
    await using on = await stage()
    const run = await on.traffic.start({ rate: 400, payloadBytes: 64 })
    await run.steady({ for: '1s', within: '30s' })
    const stats = await run.stop()
    const ledger = on.ledger()
    expect(lost(ledger)).toEqual([])
    expect(stats.homes.east).toMatchObject({ refused: 0, indeterminate: 0, route: 'east' })
    expect(stats.homes.west).toMatchObject({ refused: 0, indeterminate: 0, route: 'west' })
    const values = new Map(ledger.sends.map(({ seq, value }) => [seq, value]))
    const totals = new Map<number, { count: number; sum: number; keySeq: number }>()
    for (const { key, keySeq, seq, count, sum, flags } of ledger.sights) {
      const total = totals.get(key) ?? { count: 0, sum: 0, keySeq: 0 }
      total.count++
      total.sum += values.get(seq) ?? Number.NaN
      expect({ keySeq, count, sum, flags }).toEqual({
        keySeq: total.keySeq + 1,
        count: total.count,
        sum: total.sum,
        flags: 0,
      })
      total.keySeq = keySeq
      totals.set(key, total)
    }
    expect(totals.size).toBe(8)
  })

  it('follows the work of a data centre that crashes, and loses nothing that was acknowledged', async () => {
    await using on = await stage()
    const run = await on.traffic.start({ rate: 200 })
    await run.steady({ for: '1s', within: '30s' })
    await on.control('power', 'off', 'east')
    await until(run, 'west to serve the work of east', () => run.stats().homes.east.route === 'west')
    await run.steady({ for: '1s', within: '30s' })
    const stats = await run.stop()
    const ledger = on.ledger()
    expect(lost(ledger)).toEqual([])
    expect(run.redirects()).toMatchObject([{ home: 'east', from: 'east', to: 'west' }])
    expect(stats.homes.west).toMatchObject({ refused: 0, indeterminate: 0 })
  })

  it('returns to a data centre whose ingest was restarted, when nobody took over', async () => {
    await using on = await stage()
    const run = await on.traffic.start({ rate: 200 })
    await run.steady({ for: '500ms', within: '30s' })
    const processes = (await on.control('processes')) as { pid: number; role: string; dc: string; id: string }[]
    const ingest = processes.find(({ role, dc, id }) => role === 'pe' && dc === 'east' && id === '1')
    expect(ingest, JSON.stringify(processes)).toBeDefined()
    process.kill(ingest?.pid ?? 0, 'SIGKILL')
    await until(
      run,
      'failures at east',
      () => run.stats().homes.east.refused + run.stats().homes.east.indeterminate > 0,
    )
    await run.steady({ for: '500ms', within: '30s' })
    const stats = await run.stop()
    expect(stats.homes.east.route).toBe('east')
    expect(lost(on.ledger())).toEqual([])
  })

  it('finds the endpoints of a passive data centre once it has become the active one', async () => {
    await using on = await stage({ mode: 'active-passive' })
    const run = await on.traffic.start({ rate: 100, homes: ['east'] })
    await run.steady({ for: '500ms', within: '30s' })
    expect(run.stats().taps.west).toMatchObject({ up: false, reason: 'no endpoint' })
    await on.control('power', 'off', 'east')
    await until(run, 'west to serve', () => run.stats().homes.east.route === 'west')
    await run.steady({ for: '500ms', within: '30s' })
    await run.stop()
    expect(lost(on.ledger())).toEqual([])
  })
})

describe('traffic that cannot start', () => {
  it('says what is wrong before anything is sent', async () => {
    await using on = await stage()
    const { east } = on.lab.sites
    const start = async (more: {
      url?: string
      ca?: string
      operator?: string
      password?: Secret
    }): Promise<unknown> => {
      const dc = (site: EmbeddedSite): TrafficDc => ({
        data: {
          dc: site.dc,
          url: more.url ?? site.dataUrl,
          credentials: { username: site.username, password: more.password ?? site.password },
          tls: { ca: more.ca ?? site.ca },
          retry: { attempts: 1 },
        },
        endpoints: { inject: more.operator ?? 'Ingest', inspect: 'Results' },
      })
      const recorder = temporaryRecorder()
      await using _traffic = openTraffic({ dcs: { east: dc(east), west: dc(on.lab.sites.west) }, recorder, seed: 1 })
      try {
        await _traffic.start({ rate: 1 })
        return undefined
      } catch (error) {
        return error
      } finally {
        await recorder[Symbol.asyncDispose]()
      }
    }
    expect(await start({ operator: 'Ingress' })).toMatchObject({
      code: 'STREAMS_NOT_FOUND',
      message: expect.stringContaining('Ingest'),
    })
    expect(await start({ password: new Secret('wrong-password') })).toMatchObject({ code: 'STREAMS_UNAUTHORIZED' })
    expect(await start({ url: 'https://127.0.0.1:9' })).toMatchObject({ code: 'STREAMS_UNREACHABLE' })
    expect(await start({ ca: await otherCa() })).toMatchObject({
      code: 'STREAMS_UNREACHABLE',
      message: expect.stringMatching(/tls|certificate/i),
    })
  })
})

async function otherCa(): Promise<string> {
  return (await generate([{ name: 'commonName', value: 'another' }])).cert
}
