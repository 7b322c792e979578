import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { instead, openFaultBench, statesOf, toothless, WHOLE_LIFE, type FaultBench } from '../../tests/fault-bench.ts'
import { eventually, now } from '../core/index.ts'
import {
  dataPathDead,
  dataServiceDown,
  FaultFailedError,
  FaultNotConfirmedError,
  FaultRefusedError,
  FaultTargetError,
  heartbeatsForged,
  heartbeatsStale,
  networkPartition,
  peRestarted,
  restSlow,
  restWrong,
  type Fault,
} from '../faults/index.ts'
import { forgeOrder } from '../faults/gray/forge-order.ts'
import { MalformedAnswerError, ServerError } from '../streams/index.ts'

let bench: FaultBench

beforeAll(async () => {
  bench = await openFaultBench()
})
afterAll(() => bench?.[Symbol.asyncDispose]())

const viewLine = z.object({ at: z.number(), dc: z.string(), view: z.string() })

/** How the toolkit of a data centre really sees its peer, since when. */
function views(dc: 'east' | 'west') {
  return readFileSync(bench.environment.lab?.truthFile ?? '', 'utf8')
    .trim()
    .split('\n')
    .filter((line) => line.includes('"peer-view"'))
    .map((line) => viewLine.parse(JSON.parse(line)))
    .filter((line) => line.dc === dc)
}

const viewOf = (dc: 'east' | 'west') => views(dc).at(-1)?.view

function seen(dc: 'east' | 'west', view: string) {
  return eventually(
    () => Promise.resolve(viewOf(dc) === view ? { done: true, value: now() } : { done: false, seen: viewOf(dc) ?? '' }),
    { within: '15s', every: '10ms', describe: `${dc} to hold its peer for ${view}` },
  )
}

/** Milliseconds in which a toolkit declares its silent peer down for sure, with what a busy machine may add. */
const DETECTION_MS = 5 * 200 + 500

const DCS = ['east', 'west'] as const

async function bothUp(): Promise<void> {
  await Promise.all(DCS.map((dc) => seen(dc, 'up')))
}

describe('a data path that is dead', () => {
  it('serves nobody, while the peer receives heartbeats and holds it for up', async () => {
    await bothUp()
    const { engine, events } = bench.engine()
    const before = DCS.map((dc) => views(dc).length)
    const fault = await engine.inject(dataPathDead('east'))
    expect(fault.evidence).toMatchObject({ client: expect.stringMatching(/^(no answer|unreachable)/) })
    expect(fault.evidence['heartbeats']).toBeGreaterThanOrEqual(2)
    expect(fault.outage).toEqual(fault.injected)
    const { data } = bench.clients.west
    expect((await data.discover()).jobs).toHaveLength(1)
    // Longer than a crash would take to be noticed.
    await notMeanwhile(DETECTION_MS, () => viewOf('west') !== 'up')
    await fault.heal()
    expect((await bench.clients.east.data.discover()).jobs).toHaveLength(1)
    expect(DCS.map((dc) => views(dc).length)).toEqual(before)
    expect(statesOf(await events())).toEqual(WHOLE_LIFE)
    expect(engine.doubts).toEqual([])
  })

  it('is not believed where the heart does not beat either', async () => {
    await bothUp()
    const { engine } = bench.engine({ confirmWithin: '2s' })
    const everything = instead(dataPathDead('east'), (plan) => ({
      ...plan,
      steps: plan.steps.map((step) => ({ ...step, do: cutAll(step.do) })),
    }))
    await expect(engine.inject(everything)).rejects.toThrow(/could not be confirmed: .*heartbeat is silent/)
    // That may have lasted long enough for a split brain: a toolkit that starts anew speaks first.
    await (await engine.inject(peRestarted('east', { operator: 'HeartbeatMessagePreparer' }))).heal()
    await bothUp()
  })
})

describe('a data service that is down', () => {
  it('refuses at once, and comes back', async () => {
    const { engine, events } = bench.engine()
    const fault = await engine.inject(dataServiceDown('west'))
    expect(fault.evidence).toMatchObject({ client: 'unreachable: reset' })
    await expect(bench.clients.west.data.discover({ attempts: 1 })).rejects.toMatchObject({ kind: 'reset' })
    await fault.heal()
    expect((await bench.clients.west.data.discover()).jobs).toHaveLength(1)
    expect(statesOf(await events())).toEqual(WHOLE_LIFE)
  })
})

describe('a management API that is slow', () => {
  it('answers rightly, and late', async () => {
    const { engine, events } = bench.engine()
    const fault = await engine.inject(restSlow('east', { delay: '300ms' }))
    expect(fault.evidence['grownMs']).toBeGreaterThanOrEqual(270)
    const from = now()
    expect(await bench.clients.east.management.instance()).toMatchObject({ status: 'running' })
    expect(now() - from).toBeGreaterThan(290)
    await fault.heal()
    expect(statesOf(await events())).toEqual(WHOLE_LIFE)
  })
})

describe('a management API that is wrong', () => {
  it.each([
    ['5xx', ServerError],
    ['html', MalformedAnswerError],
    ['empty', MalformedAnswerError],
    ['half-body', Error],
  ] as const)('answers with %s, and rightly again when it heals', async (mode, error) => {
    const { engine, events } = bench.engine()
    const fault = await engine.inject(restWrong('east', { mode }))
    const { management } = bench.clients.east
    await expect(management.instance(undefined, { attempts: 1 })).rejects.toThrow(error)
    expect(await bench.clients.west.management.instance()).toMatchObject({ status: 'running' })
    expect(fault.evidence['errors']).toHaveLength(3)
    await fault.heal()
    expect(await management.instance(undefined, { attempts: 1 })).toMatchObject({ status: 'running' })
    expect(statesOf(await events())).toEqual(WHOLE_LIFE)
    expect(engine.doubts).toEqual([])
  })

  it('stays wrong over a loss of power, and is right again after its heal', async () => {
    const { engine } = bench.engine()
    const fault = await engine.inject(restWrong('west', { mode: 'empty' }))
    const power = bench.environment.dcs.west.power
    for (const command of [power?.off, power?.on]) {
      expect(await bench.run(command ?? ['false'])).toMatchObject({ code: 0 })
    }
    await expect(bench.clients.west.management.root({ attempts: 1 })).rejects.toThrow(MalformedAnswerError)
    await fault.heal()
    await bothUp()
  })

  it('is refused where nothing can be told to', async () => {
    const { engine } = bench.engine({ environment: { links: [] } })
    const refused = engine.inject(restWrong('east', { mode: 'html' }))
    await expect(refused).rejects.toThrow(FaultRefusedError)
    await expect(refused).rejects.toThrow(/nothing at a real site can be told to answer wrongly/)
    // Nor can a host that is not reached over SSH slow what it answers to this machine.
    const slow = engine.inject(restSlow('east', { delay: '1s' }))
    await expect(slow).rejects.toThrow(/east is not controlled over SSH/)
  })
})

describe('heartbeats that are forged', () => {
  it('hold a data centre for up that is cut off, for as long as they come', async () => {
    await bothUp()
    const { engine, events } = bench.engine({ maxFaults: 2 })
    const forged = await engine.inject(heartbeatsForged({ from: 'east', to: 'west', name: 'nobody', count: 7 }))
    const before = views('west').length
    // What a blackhole has swallowed would arrive once it heals, and rejoin the pair.
    await using partition = await engine.inject(networkPartition('east', 'west', { mode: 'reset' }))
    await seen('east', 'down')
    await notMeanwhile(DETECTION_MS, () => viewOf('west') !== 'up')
    expect(views('west')).toHaveLength(before)
    await forged.heal()
    await seen('west', 'down')
    await partition.heal()
    expect(statesOf(await events()).filter((state) => state === 'healed')).toHaveLength(2)
    expect(engine.doubts).toEqual([])
  })

  it('end a split brain that does not heal by itself', async () => {
    // Left by the test before: both hold each other for down, and neither says a word.
    await notMeanwhile(DETECTION_MS, () => viewOf('east') !== 'down' || viewOf('west') !== 'down')
    const { engine } = bench.engine()
    const forged = await engine.inject(heartbeatsForged({ from: 'west', to: 'east' }))
    await bothUp()
    await forged.heal()
    await notMeanwhile(DETECTION_MS, () => viewOf('east') !== 'up' || viewOf('west') !== 'up')
  })

  it('may be one old heartbeat again and again', async () => {
    await bothUp()
    const { engine, events } = bench.engine()
    const stale = await engine.inject(heartbeatsStale({ from: 'east', to: 'west', every: '40ms' }))
    const { forged, received } = z.object({ forged: z.number(), received: z.number() }).parse(stale.evidence)
    expect(received).toBeGreaterThanOrEqual(forged / 2)
    const order = forgeOrder.parse(bench.forgeOrders()[0])
    expect(order).toMatchObject({ counts: false, origin: 'east' })
    expect(Number(order.count)).toBeGreaterThan(0)
    await stale.heal()
    expect(bench.forgeOrders()).toEqual([])
    expect(statesOf(await events())).toEqual(WHOLE_LIFE)
  })

  it('are not believed where somebody else takes them', async () => {
    await bothUp()
    const elsewhere = await answersAll()
    const { engine } = bench.engine({ confirmWithin: '3s' })
    const misled = instead(heartbeatsForged({ from: 'east', to: 'west' }), (plan) => ({
      ...plan,
      steps: plan.steps.map((step) => ({ ...step, do: readdressed(step.do, elsewhere.port) })),
    }))
    await expect(engine.inject(misled)).rejects.toThrow(FaultNotConfirmedError)
    expect(elsewhere.taken()).toBeGreaterThan(10)
    expect(bench.forgeOrders()).toEqual([])
    elsewhere.server.close()
  })

  it('cannot be sent where nobody takes them', async () => {
    const { engine } = bench.engine()
    const lost = instead(heartbeatsForged({ from: 'east', to: 'west' }), (plan) => ({
      ...plan,
      steps: plan.steps.map((step) => ({ ...step, do: readdressed(step.do, 1) })),
    }))
    await expect(engine.inject(lost)).rejects.toThrow(FaultFailedError)
    expect(bench.forgeOrders()).toEqual([])
    expect(bench.leases()).toEqual([])
  })

  it('must come more often than real ones', async () => {
    const { engine } = bench.engine()
    const rare = engine.inject(heartbeatsForged({ from: 'east', to: 'west', every: '150ms' }))
    await expect(rare).rejects.toThrow(FaultTargetError)
    await expect(rare).rejects.toThrow(/cannot be told from those of east, which come every 200ms/)
  })

  it('that end before they are healed leave a doubt', async () => {
    const { engine } = bench.engine()
    const forged = await engine.inject(heartbeatsForged({ from: 'east', to: 'west' }))
    bench.killForgers()
    await forged.heal()
    expect(engine.doubts.join()).toMatch(/ended before it was healed/)
  })
})

const kinds: readonly (readonly [string, () => Fault])[] = [
  ['a data path is dead', () => dataPathDead('east')],
  ['a data service is down', () => dataServiceDown('east')],
  ['a management API is slow', () => restSlow('east', { delay: '500ms' })],
  ['a management API is wrong', () => restWrong('east', { mode: '5xx' })],
  ['heartbeats are forged', () => heartbeatsForged({ from: 'east', to: 'west' })],
  ['heartbeats are stale', () => heartbeatsStale({ from: 'west', to: 'east' })],
]

describe.each(kinds)('that %s', (_title, fault) => {
  it('is not believed where nothing happened', async () => {
    await bothUp()
    const { engine, events } = bench.engine({ confirmWithin: '3s' })
    await expect(engine.inject(toothless(fault()))).rejects.toThrow(FaultNotConfirmedError)
    expect(statesOf(await events())).toEqual(['planned', 'armed', 'injected', 'failed'])
    expect(bench.leases()).toEqual([])
  })
})

it('is undone by the host when the runner is killed', async () => {
  await bothUp()
  const runner = await bench.runner(
    [
      heartbeatsForged({ from: 'east', to: 'west' }),
      dataServiceDown('west'),
      restSlow('west', { delay: '100ms' }),
      restWrong('east', { mode: 'html' }),
    ],
    '3s',
  )
  expect(bench.forgeOrders()).toHaveLength(1)
  await expect(bench.clients.east.management.root({ attempts: 1 })).rejects.toThrow(MalformedAnswerError)
  await runner.kill()
  expect(bench.forgeOrders()).toEqual([])
  for (const dc of DCS) {
    expect(await bench.clients[dc].management.instance()).toMatchObject({ status: 'running' })
    expect((await bench.clients[dc].data.discover()).jobs).toHaveLength(1)
  }
  const links = z.array(z.object({ faults: z.array(z.string()) }))
  const shown = await bench.run([...(bench.environment.lab?.control ?? []), 'links', 'show'])
  expect(links.parse(JSON.parse(shown.stdout)).flatMap(({ faults }) => faults)).toEqual([])
})

/** Shows that something does not happen for a while that is long enough for it. */
async function notMeanwhile(ms: number, happens: () => boolean): Promise<void> {
  const watch = eventually(
    () => Promise.resolve(happens() ? { done: true, value: true } : { done: false, seen: 'no' }),
    { within: `${ms}ms`, every: '10ms', describe: 'what must not happen' },
  )
  await expect(watch).rejects.toThrow(/in vain/)
}

type Step = ReturnType<Fault['definition']['plan']>['steps'][number]['do']

/** Another order to the lab: what east sends to west is cut, too. */
function cutAll(step: Step): Step {
  if (!('command' in step) || !('script' in step.command)) throw new Error('the step is no script')
  const { script } = step.command
  const heartbeats = script
    .replaceAll(' --port data', '')
    .replaceAll('--from runner --to east', '--from east --to west')
    .replaceAll('exit "$failed"', '[ "$failed" = 0 ] || exit 1')
  return { command: { script: `${heartbeats}\n${script}` } }
}

/** The forger's step with another port to send to. */
function readdressed(step: Step, port: number): Step {
  if (!('command' in step) || !('script' in step.command)) throw new Error('the step is no script')
  const args = (step.command.args ?? []).map((arg) =>
    arg.startsWith('{') ? JSON.stringify({ ...forgeOrder.parse(JSON.parse(arg)), port }) : arg,
  )
  return { command: { ...step.command, args } }
}

/** A server that takes whatever is posted to it. */
async function answersAll(): Promise<{ server: Server; port: number; taken: () => number }> {
  let taken = 0
  const server = createServer((request, response) => {
    request.resume()
    request.on('end', () => {
      taken++
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, port: (server.address() as AddressInfo).port, taken: () => taken }
}
