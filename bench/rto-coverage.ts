import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environments } from '../environments/index.ts'
import { openClients } from '../fixtures/clients.ts'
import { dataCenters } from '../fixtures/data-centers.ts'
import { openDrill } from '../fixtures/drill.ts'
import { failoverOf, monitorOf, predictionFor, trafficOf, type DrillParts } from '../fixtures/parts.ts'
import { now, pause, seeded, type Random } from '../lib/core/index.ts'
import { resolveEnvironment } from '../lib/environment/index.ts'
import { createFaultEngine, dataCenterCrash } from '../lib/faults/index.ts'
import { openShells } from '../lib/hosts/index.ts'
import type { BenchLine } from './line.ts'

/** A status page that is polled every 5 s is the usual way to time a failover; labs are this much faster than sites. */
const POLLED_SECONDS = 5

/** One crash, measured both ways. Milliseconds. */
interface Sample {
  readonly trueMs: number
  readonly lowerMs: number
  readonly upperMs: number
  /** Recovery time by a status poll: from the first poll that saw the outage to the first that saw the takeover. */
  readonly polledMs: number
}

/**
 * Crashes at random phases of the toolkit's clock, each in a lab of its own: is the true recovery time inside the interval that
 * was reported, and how wide is it? Beside it, the same drills as a status poll would time them.
 */
export async function rtoCoverageBench(): Promise<readonly BenchLine[]> {
  const count = process.env.BENCH_EFFORT === 'ci' ? 10 : 100
  const random = seeded(Number(process.env.FAILOVER_SEED ?? 20))
  const samples: Sample[] = []
  for (let i = 0; i < count; i++) {
    samples.push(await crashOnce(random.fork(`crash ${i}`)))
    process.stderr.write(`\r  ${i + 1} of ${count} crashes`)
  }
  process.stderr.write('\n')
  const covered = samples.filter(({ trueMs, lowerMs, upperMs }) => lowerMs <= trueMs && trueMs <= upperMs)
  const width = median(samples.map(({ lowerMs, upperMs }) => upperMs - lowerMs))
  const polledError = median(samples.map(({ polledMs, trueMs }) => Math.abs(polledMs - trueMs)))
  const ownError = median(samples.map(({ lowerMs, upperMs, trueMs }) => Math.abs((lowerMs + upperMs) / 2 - trueMs)))
  const truth = `ground truth of ${count} crashes at random phases`
  return [
    {
      name: 'rto-truth-coverage',
      ratio: covered.length / count,
      unit: 'of true RTOs inside',
      against: truth,
      aim: '1',
      met: covered.length === count,
    },
    { name: 'rto-interval-width-median', value: width, unit: 'ms', against: truth, aim: '<= 50', met: width <= 50 },
    { name: 'rto-error-median', value: ownError, unit: 'ms', against: truth, aim: '<= 25', met: ownError <= 25 },
    {
      name: 'rto-error-against-status-poll',
      ratio: ownError / polledError,
      unit: `of the error of a ${POLLED_SECONDS} s status poll (${polledError.toFixed(0)} ms, scaled likewise)`,
      against: 'status poll of the same drills',
      aim: '<= 0.2',
      met: ownError / polledError <= 0.2,
    },
  ]
}

async function crashOnce(random: Random): Promise<Sample> {
  const directory = mkdtempSync(join(tmpdir(), 'failover-bench-'))
  const ending = new AbortController()
  try {
    return await drillOf(directory, random, ending.signal)
  } finally {
    ending.abort()
    rmSync(directory, { recursive: true, force: true })
  }
}

async function drillOf(directory: string, random: Random, signal: AbortSignal): Promise<Sample> {
  const declaration = environments.find(({ name }) => name === 'dc-east-west')
  if (!declaration) throw new Error('there is no environment dc-east-west')
  await using environment = await resolveEnvironment(declaration, { signal })
  await using clients = openClients(environment, signal)
  const dc = dataCenters(environment, random.pick(['east', 'west'] as const))
  const prediction = predictionFor(environment, dc)
  const drill = openDrill({
    environment,
    objectives: environment.objectives,
    run: { id: 'bench', directory },
    name: `crash ${random.seed}`,
    file: 'bench/rto-coverage.ts',
    roles: { victim: dc.victim.name, survivor: dc.survivor.name },
    prediction,
    seed: random.seed,
    annotate: () => Promise.resolve(),
  })
  const polledMs = await crash({ environment, clients, dc, drill, prediction, signal }, random)
  const { drill: report } = await drill.finish('passed')
  const { rto, groundTruth } = report
  if (rto?.lowerMs == null || rto.upperMs == null || groundTruth?.rtoMs == null) {
    throw new Error(`the drill measured no recovery: ${JSON.stringify({ rto, groundTruth, problems: report.checks })}`)
  }
  return { trueMs: groundTruth.rtoMs, lowerMs: rto.lowerMs, upperMs: rto.upperMs, polledMs }
}

/** Steady traffic, a crash, the recovery. Returns what a status poll would call the recovery time. */
async function crash(parts: DrillParts, random: Random): Promise<number> {
  const { environment, clients, drill, dc, signal } = parts
  const everyMs = POLLED_SECONDS * environment.timeScale * 1000
  await using monitor = monitorOf(parts)
  const failover = failoverOf(parts, monitor)
  await using shells = openShells(environment.hosts)
  await using engine = createFaultEngine({
    environment,
    clients,
    recorder: drill.recorder,
    shells: shells.byName,
    signal,
  })
  await using traffic = trafficOf(parts, random.seed)
  const run = await traffic.start({ rate: 200 })
  await run.steady({ for: '300ms' })
  await failover.replicated()
  // A random phase of both toolkits' clocks, and of the poll.
  await pause(random.next() * everyMs, signal)
  const polled = pollStatus(parts, everyMs, random)
  const fault = await engine.inject(dataCenterCrash(dc.victim))
  await failover.completed({ after: fault, within: '60s' })
  await run.steady({ for: '300ms' })
  const polledMs = await polled
  await run.stop()
  return polledMs
}

/**
 * Asks every so often whether the victim answers, and once it does not, whether the survivor has taken over; the time between
 * the two is what a status page would report.
 */
async function pollStatus(
  { clients, dc, environment, signal }: DrillParts,
  everyMs: number,
  random: Random,
): Promise<number> {
  const victim = clients[dc.victim.name].management
  const survivor = clients[dc.survivor.name].management
  const merger = `${environment.operatorPrefix}.RemoteDCDataMerger`
  let downAt: number | undefined
  await pause(random.next() * everyMs, signal)
  while (true) {
    const asked = now()
    if (downAt === undefined) {
      const up = await victim.instance(undefined, { signal, attempts: 1 }).then(
        () => true,
        () => false,
      )
      if (!up) downAt = now()
    } else {
      const { jobs } = await survivor.metricsSnapshot({ signal })
      const operator = jobs
        .flatMap(({ pes }) => pes.flatMap(({ operators }) => operators))
        .find(({ name }) => name === merger)
      const pieces = operator?.outputPorts[0]?.metrics.find(({ name }) => name === 'nTuplesSubmitted')?.value ?? 0
      if (Number(pieces) > 0) return now() - downAt
    }
    await pause(Math.max(0, asked + everyMs - now()), signal)
  }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? NaN
}
