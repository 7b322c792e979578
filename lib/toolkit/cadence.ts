/**
 * Which heartbeat ticks carry a snapshot signal. The preparer asks `(cnt × uint64(P)) % uint64(S) == 0`, and a tick with a
 * snapshot counts `cnt` up twice, so the real cadence is faster than the configured one (toolkit reference §7).
 */
export interface SnapshotCadence {
  /** Ticks from the sender's start to its first snapshot if the peer is up by then (1 = the first tick). */
  readonly firstTick: number
  /** Ticks between snapshots afterwards. */
  readonly everyTicks: number
  /** The most ticks from a first contact at any time to the next snapshot. */
  readonly mostTicksAfterContact: number
}

/**
 * The cadence for a heartbeat interval and a snapshot interval in configured seconds, or `undefined` where the toolkit divides by
 * zero (snapshot interval below one second).
 *
 * With K = S / gcd(P, S), a snapshot goes out when `cnt` is a multiple of K. From one at cnt = nK the next tick finds nK + 2.
 */
export function snapshotCadence(heartbeatInterval: number, snapshotInterval: number): SnapshotCadence | undefined {
  const period = Math.trunc(heartbeatInterval)
  const interval = Math.trunc(snapshotInterval)
  if (interval < 1) return undefined
  const multiple = interval / greatestCommonDivisor(period, interval)
  return { firstTick: multiple, everyTicks: Math.max(1, multiple - 1), mostTicksAfterContact: multiple }
}

function greatestCommonDivisor(a: number, b: number): number {
  while (b !== 0) [a, b] = [b, a % b]
  return a
}
