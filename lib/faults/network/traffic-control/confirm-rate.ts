import { eventually, formatMs, now, pause, TimeoutError } from '../../../core/index.ts'
import type { Evidence, FaultContext } from '../../definition.ts'
import { FaultTargetError } from '../../errors.ts'
import type { ProbePath } from '../probe-paths.ts'
import { qdiscGrowth, readFigures, type HostFigures } from './figures.ts'
import { FULL_REQUEST_BYTES, fullTraffic } from './probe-traffic.ts'
import { formatRate } from './rate.ts'
import type { Egress, SendingHost } from './survey.ts'
import { isRateKept, RATE_TOLERANCE } from './tolerance.ts'
import { handlesOf } from './tree.ts'

/** How long bytes are counted for a rate, once the path is full. */
const WINDOW_MS = 3000
/** Windows in which the traffic may fail to fill the path. */
const MOST_WINDOWS = 4
/** By how much a path must be faster than a limit for the limit to be seen. */
const HEADROOM = 1.5
const MOST_PROBED = 16_000_000
/** Answers that a rate is counted by where no kernel counts bytes. */
const LEAST_ANSWERS = 40

/**
 * What a path carries from the machine that the probe starts from, in bits per second: as much as the limit would let through in
 * half a second is sent over it, for four seconds at most.
 */
export async function capacityOf(context: FaultContext, path: ProbePath, limit: number): Promise<number> {
  const bytes = Math.min(MOST_PROBED, Math.max(60_000, limit / 16))
  const traffic = fullTraffic(context, [path])
  const wanted = Math.ceil(bytes / FULL_REQUEST_BYTES)
  const begun = now()
  try {
    await eventually(
      async () => {
        await Promise.resolve()
        const { answered } = traffic
        return answered >= wanted
          ? { done: true, value: answered }
          : { done: false, seen: `${answered} of ${wanted} requests answered` }
      },
      { within: '4s', every: '5ms', signal: context.signal, describe: `${bytes} bytes over ${path.id}` },
    ).catch((error: unknown) => {
      // What there was by then is an answer, too.
      if (!(error instanceof TimeoutError)) throw error
    })
    return (traffic.answered * FULL_REQUEST_BYTES * 8000) / (now() - begun)
  } finally {
    await traffic.stop()
  }
}

/** @throws FaultTargetError if a path is not clearly faster than a limit, so that it could not be told */
export async function requireFaster(
  context: FaultContext,
  paths: readonly ProbePath[],
  limit: number,
): Promise<Evidence> {
  const found: Record<string, string> = {}
  for (const path of paths) {
    const capacity = await capacityOf(context, path, limit)
    found[path.id] = formatRate(capacity)
    if (capacity >= limit * HEADROOM) continue
    throw new FaultTargetError(
      `${path.id} carries ${formatRate(capacity)}, so a limit of ${formatRate(limit)} could not be seen.`,
      {
        remedy: `Choose a rate below ${formatRate(capacity / HEADROOM)}, or heal what slows the path down.`,
      },
    )
  }
  return found
}

/** Measures the rate that relays let through: requests that were answered in a time. */
export async function confirmRateOfRelays(
  context: FaultContext,
  paths: readonly ProbePath[],
  limit: number,
): Promise<Evidence> {
  const rows: Evidence[] = []
  for (const path of paths) {
    // Connections that share a rate are answered at the same time: few of them, and many answers, give a fine measure.
    const traffic = fullTraffic(context, [path], 2)
    try {
      // What was on its way before the limit, and the first of what fills the buffers, says nothing.
      const first = await counted(context, traffic, 4)
      const last = await counted(
        context,
        traffic,
        first.answered + Math.max(LEAST_ANSWERS, Math.ceil(((limit / 8000) * WINDOW_MS) / FULL_REQUEST_BYTES)),
      )
      const rate = ((last.answered - first.answered) * FULL_REQUEST_BYTES * 8000) / (last.at - first.at)
      if (!isRateKept(rate, limit)) throw wrongRate(path.id, rate, limit)
      rows.push({ path: path.id, rate: formatRate(rate), overMs: Math.round(last.at - first.at) })
    } finally {
      await traffic.stop()
    }
  }
  return { limit: formatRate(limit), tolerance: RATE_TOLERANCE, measured: rows }
}

async function counted(
  context: FaultContext,
  traffic: { readonly answered: number },
  wanted: number,
): Promise<{ readonly answered: number; readonly at: number }> {
  const { value, at } = await eventually(
    async () => {
      await Promise.resolve()
      const { answered } = traffic
      return answered >= wanted
        ? { done: true, value: answered }
        : { done: false, seen: `${answered} of ${wanted} answers` }
    },
    { within: '25s', every: '2ms', signal: context.signal, describe: 'answers through the limit' },
  )
  return { answered: value, at: at.latest }
}

/**
 * Measures the rate that each interface of each host lets through to the far side, by the counters of its kernel, while probe
 * traffic fills it.
 * @throws FaultTargetError where it is another, or the traffic did not fill it
 */
export async function confirmRateOfKernels(
  context: FaultContext,
  senders: readonly SendingHost[],
  paths: readonly ProbePath[],
  limit: number,
): Promise<Evidence> {
  const rows: Evidence[] = []
  for (const sender of senders) {
    for (const egress of sender.egress) {
      const own = paths.filter(({ vantage, host }) => vantage === sender.network.host && egress.peers.includes(host))
      if (own.length === 0) {
        throw new FaultTargetError(
          `Nothing behind ${egress.interface} of ${sender.network.host} answers, so its rate cannot be measured.`,
        )
      }
      rows.push(await measureEgress(context, sender, egress, { paths: own, limit }))
    }
  }
  return { limit: formatRate(limit), tolerance: RATE_TOLERANCE, measured: rows }
}

async function measureEgress(
  context: FaultContext,
  sender: SendingHost,
  { interface: device }: Egress,
  { paths, limit }: { readonly paths: readonly ProbePath[]; readonly limit: number },
): Promise<Evidence> {
  const { host } = sender.network
  const where = `${device} of ${host}`
  const read = () => readFigures(context, host, { tc: sender.tc, interfaces: [device] })
  const at = { interface: device, handle: handlesOf(context.id).leaf }
  const backlog = (figures: HostFigures): number =>
    figures.qdiscs[device]?.find(({ handle }) => handle === at.handle)?.backlogPackets ?? 0
  const traffic = fullTraffic(context, paths)
  try {
    const full = await eventually(
      async () => {
        const figures = await read()
        return backlog(figures) > 0 ? { done: true, value: figures } : { done: false, seen: 'no packet waits there' }
      },
      { within: '10s', every: '100ms', signal: context.signal, describe: `probe traffic to fill ${where}` },
    )
    let before = full.value
    for (let windows = 1; ; windows++) {
      await pause(WINDOW_MS, context.signal)
      const after = await read()
      const growth = qdiscGrowth(before, after, at)
      if (!growth) throw new FaultTargetError(`The limit is not on ${where} any more.`)
      const spanMs = after.uptimeMs - before.uptimeMs
      const rate = (growth.bytes * 8000) / spanMs
      if (isRateKept(rate, limit)) {
        const { bytes, dropped } = growth
        return {
          from: host,
          interface: device,
          rate: formatRate(rate),
          bytes,
          overMs: Math.round(spanMs),
          dropped,
          windows,
        }
      }
      // Too much is wrong at once; too little may be a queue that ran empty, while TCP waited to send again what was dropped.
      if (rate > limit || windows === MOST_WINDOWS) throw wrongRate(where, rate, limit)
      before = after
    }
  } finally {
    await traffic.stop()
  }
}

function wrongRate(where: string, rate: number, limit: number): FaultTargetError {
  return new FaultTargetError(
    `${where} lets ${formatRate(rate)} through, not ${formatRate(limit)} within ${RATE_TOLERANCE * 100} % (measured over ${formatMs(WINDOW_MS)}).`,
  )
}
