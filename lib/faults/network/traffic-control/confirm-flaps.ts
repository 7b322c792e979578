import { formatMs, now, pause, toMs } from '../../../core/index.ts'
import type { Evidence, FaultContext } from '../../definition.ts'
import { CommandTimeoutError, ConnectRefusedError } from '../../../hosts/index.ts'
import { FaultTargetError } from '../../errors.ts'
import { askPath, type ProbePath } from '../probe-paths.ts'
import type { Flaps } from './flap-plan.ts'
import { openConnection, requestParts, type ProbeConnection } from './probe-connection.ts'
import type { ProbedPath } from './probes.ts'

/** What a busy machine, and a kernel that sends again what was swallowed, may add to when a link is seen to be up. */
const SLACK_MS = 2500

/** A connection must be opened while the link is up, and meet it when it is down. */
const NOT_MEASURED: Evidence = { notMeasured: 'it goes down too few times' }

/** How long an answer may take before it counts as silence. */
function patienceMs({ down }: Pick<Flaps, 'down'>): number {
  return Math.min(1000, toMs(down) / 2)
}

/** @throws FaultTargetError for a way so slow that an answer could not be told from silence */
export function requireFast(paths: readonly ProbedPath[], flaps: Flaps): void {
  const slow = paths.find(({ opening, asking }) => opening.median + asking.median > patienceMs(flaps) / 2)
  if (!slow) return
  const tookMs = slow.opening.median + slow.asking.median
  throw new FaultTargetError(
    `${slow.path.id} takes ${formatMs(tookMs)} to answer, and is to be silent for no more than ${flaps.down}.`,
    { remedy: `Let it be down for ${formatMs(4 * tookMs)} or longer.` },
  )
}

/**
 * Measures that every way goes silent and comes back, as long as it should: asked again and again on new connections; and that a
 * connection that is open falls silent and is answered once the link is up.
 */
export async function confirmFlaps(
  context: FaultContext,
  paths: readonly ProbedPath[],
  flaps: Flaps,
): Promise<readonly Evidence[]> {
  const withinMs = 3 * (toMs(flaps.down) + toMs(flaps.up)) + SLACK_MS * 2
  return Promise.all(
    paths.map(async ({ path }) => {
      const [newConnection, openConnection] = await Promise.all([
        watchNew(context, path, flaps, withinMs),
        flaps.times > 0 && flaps.times < 3 ? NOT_MEASURED : watchOpen(context, path, flaps, withinMs),
      ])
      return { path: path.id, newConnection, openConnection }
    }),
  )
}

async function watchNew(context: FaultContext, path: ProbePath, flaps: Flaps, withinMs: number): Promise<Evidence> {
  const begun = now()
  const downMs = toMs(flaps.down)
  let lastAnswer: number | undefined
  let firstSilence: number | undefined
  while (now() - begun < withinMs) {
    const askedAt = now()
    const { outcome } = await askPath(context, path, patienceMs(flaps))
    if (outcome === 'reset') throw new FaultTargetError(`${path.id} is reset, not silent.`)
    if (outcome === 'silent') firstSilence ??= askedAt
    else if (firstSilence === undefined) lastAnswer = askedAt
    else {
      // Down from after the last answer until before this one; and when the first silence was met, it had begun.
      const most = now() - (lastAnswer ?? firstSilence)
      const least = askedAt - firstSilence - patienceMs(flaps)
      if (lastAnswer !== undefined && most < downMs * 0.9) throw wrongLength(path, most, 'at most', flaps)
      if (least > downMs + SLACK_MS) throw wrongLength(path, least, 'at least', flaps)
      return { silentForMs: [Math.max(0, Math.round(least)), Math.round(most)], sawItGoDown: lastAnswer !== undefined }
    }
    await pause(25, context.signal)
  }
  throw new FaultTargetError(
    `${path.id} ${firstSilence === undefined ? 'answers all the time' : 'does not come up'}, over ${formatMs(withinMs)}.`,
  )
}

async function watchOpen(context: FaultContext, path: ProbePath, flaps: Flaps, withinMs: number): Promise<Evidence> {
  const begun = now()
  let connection: ProbeConnection | undefined
  try {
    while (now() - begun < withinMs) {
      try {
        if (connection === undefined || connection.isOver) {
          const isAskedOnce = (connection?.answered ?? 0) === 1
          connection?.close()
          connection = await openConnection(context, path, patienceMs(flaps))
          // Where each answer is the last on its connection, one is kept unused until the link may be down.
          if (isAskedOnce) await pause(toMs(flaps.up), context.signal)
        }
      } catch (error) {
        // It is down: it is tried again until it is up.
        if (!(error instanceof CommandTimeoutError || error instanceof ConnectRefusedError)) throw error
        continue
      }
      const wanted = connection.answered + 1
      const askedAt = now()
      connection.write(Buffer.concat(requestParts(path).map((part) => Buffer.from(part))))
      if ((await connection.until(wanted, patienceMs(flaps))) === undefined && !connection.isOver) {
        const at = await connection.until(wanted, toMs(flaps.down) + 2 * toMs(flaps.up) + 4 * SLACK_MS)
        if (at !== undefined) return { answeredAfterMs: Math.round(at - askedAt) }
        if (!connection.isOver) throw new FaultTargetError(`${path.id} stays silent on a connection that was open.`)
      }
      await pause(25, context.signal)
    }
  } finally {
    connection?.close()
  }
  throw new FaultTargetError(`${path.id} does not fall silent on a connection that is open.`)
}

function wrongLength(path: ProbePath, ms: number, bound: string, { down }: Flaps): FaultTargetError {
  return new FaultTargetError(`${path.id} was silent for ${bound} ${formatMs(Math.max(0, ms))}, not for ${down}.`)
}

/** Measures that every way answers for as long as a whole turn of the link would take. */
export async function confirmSteady(
  context: FaultContext,
  paths: readonly ProbedPath[],
  flaps: Flaps,
): Promise<Evidence> {
  const turnMs = toMs(flaps.down) + toMs(flaps.up)
  const answers = await Promise.all(
    paths.map(async ({ path }) => {
      const answers = async (within: number): Promise<void> => {
        const { outcome } = await askPath(context, path, within)
        if (outcome !== 'answered') throw new FaultTargetError(`${path.id} is ${outcome} after the fault.`)
      }
      await answers(4000)
      const begun = now()
      let count = 1
      while (now() - begun < turnMs) {
        // What a link that is down swallows takes a second to be sent again.
        await answers(patienceMs(flaps) + 500)
        count++
        await pause(50, context.signal)
      }
      return { path: path.id, answers: count }
    }),
  )
  return { forMs: turnMs, answers }
}
