import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { eventually, now, withDeadline } from '../lib/core/index.ts'
import { startEmbeddedLab } from '../lib/lab/embedded/index.ts'
import { counterSchema } from '../lib/traffic/index.ts'
import { keyGenerator, payloadPool } from '../lib/traffic/generator.ts'
import { keysOf } from '../lib/traffic/keys.ts'
import type { FromInjector, InjectorSetup, ToInjector } from '../lib/traffic/messages.ts'
import { requestBody, tupleMaker } from '../lib/traffic/serialise.ts'
import { startThread } from '../lib/traffic/thread.ts'
import { endpointFinder } from '../lib/traffic/endpoint-finder.ts'
import type { Endpoint } from '../lib/traffic/index.ts'
import type { BenchLine } from './line.ts'

const CONNECTIONS = 8
const TUPLES_PER_REQUEST = 20
const PAYLOAD_BYTES = 64
const AIM = 0.8
const rounds = process.env.BENCH_EFFORT === 'ci' ? 2 : 5
const seconds = process.env.BENCH_EFFORT === 'ci' ? 2 : 4
const WARM_UP_MS = 1000

const peerResult = z.object({ ok: z.number(), non2xx: z.number(), errors: z.number(), duration: z.number() })

/**
 * Tuples per second that the injector gets acknowledged by a lab's data service, against what a public load generator gets
 * from the same server with identical bodies over as many connections. Both in turn, several times; medians.
 */
export async function injectionBench(): Promise<readonly BenchLine[]> {
  const directory = mkdtempSync(join(tmpdir(), 'failover-bench-'))
  try {
    await using lab = await startEmbeddedLab({
      directory: join(directory, 'lab'),
      parameters: { acknowledge: 'received' },
    })
    const { dataUrl: url, username, password, ca, jobName: job } = lab.sites.east
    const finder = endpointFinder({
      data: { dc: 'east', url, credentials: { username, password }, tls: { ca } },
      endpoints: { job, inject: 'Ingest', inspect: 'Results' },
    })
    const { inject } = await finder.find({ wait: '10s' })
    await finder[Symbol.asyncDispose]()
    const peer: number[] = []
    const own: number[] = []
    await peerRate(inject, 2)
    for (let round = 0; round < rounds; round++) {
      peer.push(await peerRate(inject, seconds))
      own.push(await ownRate(inject, join(directory, `drill-${round}`)))
    }
    // Round by round: what else the machine does weighs on both of a round alike.
    const ratio = median(own.map((rate, round) => rate / (peer[round] ?? Infinity)))
    const against = `autocannon, ${CONNECTIONS} connections, bodies of ${TUPLES_PER_REQUEST} tuples, same lab, in turn`
    return [
      { name: 'injection', ratio, unit: 'of acknowledged tuples/s', against, aim: `≥ ${AIM}`, met: ratio >= AIM },
      {
        name: 'injection-rate',
        value: Math.round(median(own)),
        unit: 'tuples/s',
        against: `${Math.round(median(peer))} tuples/s by autocannon`,
        met: ratio >= AIM,
      },
    ]
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Tuples per second that the injector gets acknowledged when far more are due than it can send. */
async function ownRate(endpoint: Endpoint, directory: string): Promise<number> {
  const setup: InjectorSetup = {
    directory,
    endpoints: { east: endpoint },
    homes: ['east'],
    keys: keysOf({ homes: ['east'], count: 16, tag: 'bench', witness: false }),
    fields: counterSchema.fields,
    seed: 1,
    rate: 1_000_000,
    profile: { kind: 'constant' },
    batchEveryMs: 5,
    payloadBytes: PAYLOAD_BYTES,
    routing: { pinned: 'east' },
    resend: false,
    fed: false,
    requestTimeoutMs: 5000,
    lanes: CONNECTIONS,
    pipelining: 1,
    maxInFlight: CONNECTIONS,
    maxLatenessMs: 20,
    maxBatch: TUPLES_PER_REQUEST,
    firstSeq: 1,
    firstBatch: 1,
  }
  const reports: Extract<FromInjector, { type: 'progress' }>[] = []
  const seen = { ready: false, drained: false }
  let death: Error | undefined
  const thread = await startThread<ToInjector, FromInjector>({
    name: 'injector',
    program: new URL('../lib/traffic/injector.main.ts', import.meta.url),
    setup,
    onDeath: (error) => (death = error),
    onMessage: (message) => {
      if (message.type === 'progress') reports.push(message)
      if (message.type === 'ready') seen.ready = true
      if (message.type === 'drained') seen.drained = true
    },
  })
  const wait = (describe: string, done: () => boolean): Promise<void> =>
    eventually(() => Promise.resolve(death || done() ? { done: true, value: 0 } : { done: false, seen: 'not yet' }), {
      within: `${seconds + 30}s`,
      every: '20ms',
      describe,
    }).then(() => {
      if (death) throw death
    })
  await wait('the injector', () => seen.ready)
  thread.post({ type: 'go' })
  const from = now() + WARM_UP_MS
  await wait('the measurement', () => now() > from + seconds * 1000 + 50)
  thread.expectEnd()
  thread.post({ type: 'stop' })
  await wait('the last outcomes', () => seen.drained)
  await thread.ended
  const window = reports.filter(({ at }) => at >= from && at <= from + seconds * 1000)
  const [first, last] = [window.at(0), window.at(-1)]
  if (!first || !last || !last.saturated) throw new Error('the injector was not driven to its limit')
  const acknowledged = (report: typeof first): number => report.homes.east?.acknowledged ?? 0
  return ((acknowledged(last) - acknowledged(first)) * 1000) / (last.at - first.at)
}

/** Tuples per second that autocannon gets acknowledged. */
async function peerRate(endpoint: Endpoint, duration: number): Promise<number> {
  const { pathname, search } = new URL(endpoint.url)
  const headers = { 'content-type': 'application/json', ...endpoint.headers }
  const request = { method: 'POST', path: `${pathname}${search}`, headers }
  const child = fork(fileURLToPath(new URL('./load-peer.main.mjs', import.meta.url)), { env: {}, execArgv: [] })
  const answer = once(child, 'message')
  child.send({
    url: endpoint.url,
    connections: CONNECTIONS,
    duration,
    tlsOptions: { ca: endpoint.tls?.ca },
    requests: bodies().map((body) => ({ ...request, body })),
  })
  const within = `${duration + 30}s` as const
  const said: unknown[] = await withDeadline(() => answer, { within, describe: 'autocannon' }).finally(() =>
    child.kill(),
  )
  const result = peerResult.parse(said[0])
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`autocannon failed: ${JSON.stringify(result)}`)
  return (result.ok * TUPLES_PER_REQUEST) / result.duration
}

/** Bodies as the injector makes them. */
function bodies(): string[] {
  const pool = payloadPool(1)
  const keys = keysOf({ homes: ['east'], count: 16, tag: 'peer', witness: false })
  const generators = keys.map((entry, index) =>
    keyGenerator({ entry, index, place: index, seed: 1, payloadBytes: PAYLOAD_BYTES, pool }),
  )
  const make = tupleMaker(counterSchema.fields)
  let seq = 1
  return Array.from({ length: 64 }, () => {
    const tuples = Array.from({ length: TUPLES_PER_REQUEST }, (_, n) => {
      const key = generators[n % generators.length]
      if (!key) throw new Error('there are keys')
      return make(seq++, key, key.next())
    })
    return requestBody('items', tuples, now()).toString()
  })
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}
