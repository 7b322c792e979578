import { describe, expect, it } from 'vitest'
import { eventually, now } from '../core/index.ts'
import type { Answer } from './exchange.ts'
import { Lane } from './lane.ts'
import { httpTarget } from './target.ts'
import { testSite, type InjectBehaviour, type TestSite } from './test-site.ts'

interface OpenLane extends AsyncDisposable {
  readonly lane: Lane
  send(seq: number): Promise<Answer>
}

function openLane(site: TestSite, options: { timeoutMs?: number; depth?: number } = {}): OpenLane {
  const target = httpTarget(site.inject, 1000, 'application/json')
  const { timeoutMs = 1000, depth = 100 } = options
  const lane = new Lane({ target: () => target, timeoutMs, depth })
  const sweep = setInterval(() => lane.expire(now()), 5)
  return {
    lane,
    send: (seq) =>
      new Promise((resolve) =>
        lane.send(Buffer.from(JSON.stringify({ items: [{ seq, home: 'east' }] })), now(), resolve),
      ),
    async [Symbol.asyncDispose]() {
      clearInterval(sweep)
      await lane.destroy()
    },
  }
}

describe('the outcome of a request', () => {
  const cases: readonly [string, InjectBehaviour, Answer['outcome'], string][] = [
    ['200', { kind: 'serve' }, 'acknowledged', 'http 200'],
    ['400', { kind: 'status', status: 400 }, 'refused', 'http 400'],
    ['404', { kind: 'status', status: 404 }, 'refused', 'http 404'],
    ['409', { kind: 'status', status: 409 }, 'refused', 'http 409'],
    ['429', { kind: 'status', status: 429 }, 'refused', 'http 429'],
    ['500', { kind: 'status', status: 500 }, 'indeterminate', 'http 500'],
    ['503', { kind: 'status', status: 503 }, 'indeterminate', 'http 503'],
    ['a redirect', { kind: 'status', status: 302 }, 'indeterminate', 'http 302'],
    ['a reset instead of an answer', { kind: 'reset' }, 'indeterminate', 'reset'],
    ['half an answer', { kind: 'half' }, 'indeterminate', 'reset'],
    ['a slow answer', { kind: 'slow', ms: 50 }, 'acknowledged', 'http 200'],
    ['an answer that is too slow', { kind: 'slow', ms: 600 }, 'indeterminate', 'no answer in time'],
    ['silence', { kind: 'silent' }, 'indeterminate', 'no answer in time'],
  ]
  it.each(cases)('%s', async (_name, behaviour, outcome, reason) => {
    await using site = await testSite('east')
    await using open = openLane(site, { timeoutMs: 300 })
    site.behaviour = behaviour
    expect(await open.send(1)).toEqual({ outcome, reason })
    expect(site.requests).toHaveLength(1)
    expect(open.lane.inFlight).toBe(0)
  })

  it('refused where nobody listens', async () => {
    const site = await testSite('east')
    await using open = openLane(site)
    await site[Symbol.asyncDispose]()
    expect(await open.send(1)).toEqual({ outcome: 'refused', reason: 'connection refused' })
  })

  it('refused where the certificate is not trusted, because nothing was sent', async () => {
    await using site = await testSite('east', { tls: true })
    const target = httpTarget({ url: site.inject.url, headers: site.inject.headers }, 1000)
    const lane = new Lane({ target: () => target, timeoutMs: 1000, depth: 1 })
    const answer = await new Promise<Answer>((resolve) => lane.send(Buffer.from('{"items":[]}'), now(), resolve))
    await lane.destroy()
    expect(answer).toEqual({ outcome: 'refused', reason: 'tls: DEPTH_ZERO_SELF_SIGNED_CERT' })
  })

  it('refused while there is no endpoint', async () => {
    const lane = new Lane({ target: () => undefined, timeoutMs: 1000, depth: 1 })
    const answer = await new Promise<Answer>((resolve) => lane.send(Buffer.from('{}'), now(), resolve))
    expect(answer).toEqual({ outcome: 'refused', reason: 'no endpoint' })
  })
})

describe('requests of one lane', () => {
  it('arrive in order on one connection, although nobody waits for answers', async () => {
    await using site = await testSite('east', { tls: true })
    await using open = openLane(site)
    site.behaviour = { kind: 'slow', ms: 30 }
    const answers = await Promise.all(Array.from({ length: 60 }, (_, seq) => open.send(seq)))
    expect(answers.every((answer) => answer.outcome === 'acknowledged')).toBe(true)
    expect(site.requests.map((request) => request.items[0]?.seq)).toEqual(Array.from({ length: 60 }, (_, seq) => seq))
    expect(new Set(site.requests.map((request) => request.connection)).size).toBe(1)
  })

  it('share the fate of their connection, and none is sent twice', async () => {
    await using site = await testSite('east')
    await using open = openLane(site)
    site.behaviour = { kind: 'silent' }
    const answers = Promise.all(Array.from({ length: 20 }, (_, seq) => open.send(seq)))
    await eventually(
      async () => (site.requests.length === 20 ? { done: true, value: 0 } : { done: false, seen: 'on their way' }),
      {
        within: '5s',
        every: '5ms',
        describe: 'the requests to arrive',
      },
    )
    await site.crash()
    await site.restart()
    site.behaviour = { kind: 'serve' }
    expect((await answers).every((answer) => answer.outcome === 'indeterminate')).toBe(true)
    expect(await open.send(99)).toMatchObject({ outcome: 'acknowledged' })
    const seqs = site.requests.map((request) => request.items[0]?.seq)
    expect(seqs).toHaveLength(new Set(seqs).size)
  })

  it('use a new connection after one got no answer in time', async () => {
    await using site = await testSite('east')
    await using open = openLane(site, { timeoutMs: 200 })
    site.behaviour = { kind: 'silent' }
    expect(await open.send(1)).toMatchObject({ outcome: 'indeterminate' })
    site.behaviour = { kind: 'serve' }
    expect(await open.send(2)).toMatchObject({ outcome: 'acknowledged' })
    expect(new Set(site.requests.map((request) => request.connection)).size).toBe(2)
  })

  it('wait for each other where only one may be open, and move on together when the connection breaks', async () => {
    await using site = await testSite('east')
    await using open = openLane(site, { depth: 1 })
    site.behaviour = { kind: 'reset' }
    const first = open.send(1).then((answer) => {
      site.behaviour = { kind: 'serve' }
      return answer
    })
    const rest = [open.send(2), open.send(3)]
    expect((await first).outcome).toBe('indeterminate')
    expect((await Promise.all(rest)).map((answer) => answer.outcome)).toEqual(['acknowledged', 'acknowledged'])
    expect(site.requests.map((request) => request.items[0]?.seq)).toEqual([1, 2, 3])
  })
})
