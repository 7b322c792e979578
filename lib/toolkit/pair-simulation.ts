import type { Random } from '../core/index.ts'
import type { ToolkitTiming } from './prediction.ts'

/** What happens in a simulated run, in configured seconds. */
export interface SimulatedEvent {
  readonly at: number
  readonly dc: 'a' | 'b'
  readonly event:
    'start' | 'heartbeat-sent' | 'heartbeat-received' | 'snapshot-signal' | 'snapshot-received' | 'up' | 'down'
}

/** A run of the toolkit's rules between two data centres, in configured seconds. */
export interface SimulationInput {
  readonly timing: Readonly<Record<'a' | 'b', ToolkitTiming>>
  readonly starts: Readonly<Record<'a' | 'b', number>>
  readonly until: number
  readonly random: Random
  /** The most by which each tick and each transfer is late. */
  readonly drift?: number
  readonly transfer?: number
  readonly crash?: { readonly dc: 'a' | 'b'; readonly at: number; readonly restart?: number }
  /** Times at which messages from one to the other are lost. */
  readonly cuts?: readonly { readonly from: 'a' | 'b'; readonly at: number; readonly healed?: number }[]
  readonly shutdown?: { readonly dc: 'a' | 'b'; readonly at: number }
}

interface Side {
  life: number
  cnt: number
  sensed: boolean
  remoteActive: boolean
  missed: number
  active: boolean
  shuttingDown: boolean
}

interface Planned {
  readonly at: number
  readonly act: () => void
}

/**
 * The sending rules (reference §7) and the watchdog (§8) of both sides as an event simulation: an independent check of the
 * closed formulas of a prediction. Which of preparer and watchdog handles a tick first is drawn anew for each tick.
 */
export function simulatePair(input: SimulationInput): readonly SimulatedEvent[] {
  const { random, timing } = input
  const drift = input.drift ?? 0
  const transfer = input.transfer ?? 0
  const events: SimulatedEvent[] = []
  const queue: Planned[] = []
  let time = 0
  const sides = { a: fresh(0), b: fresh(0) }
  const other = (dc: 'a' | 'b'): 'a' | 'b' => (dc === 'a' ? 'b' : 'a')
  const note = (dc: 'a' | 'b', event: SimulatedEvent['event']): void => void events.push({ at: time, dc, event })
  const plan = (at: number, act: () => void): void => void queue.push({ at, act })
  const cut = (from: 'a' | 'b'): boolean =>
    (input.cuts ?? []).some((one) => one.from === from && time >= one.at && time < (one.healed ?? Infinity))

  const status = (dc: 'a' | 'b', up: boolean): void => {
    const side = sides[dc]
    note(dc, up ? 'up' : 'down')
    side.active = up
    side.remoteActive = up
    side.sensed ||= up
  }
  const send = (from: 'a' | 'b', received: 'heartbeat-received' | 'snapshot-received'): void => {
    if (cut(from)) return
    const to = other(from)
    plan(time + random.next() * transfer, () => {
      const side = sides[to]
      if (side.life === 0 || side.shuttingDown) return
      note(to, received)
      if (received === 'snapshot-received') return
      side.missed = 0
      if (!side.active) status(to, true)
    })
  }
  const prepare = (dc: 'a' | 'b'): void => {
    const side = sides[dc]
    const own = timing[dc]
    if (side.shuttingDown || (side.sensed && !side.remoteActive)) return
    const product = side.cnt * Math.trunc(own.heartbeatExchangeInterval)
    const due = product % Math.trunc(own.dataSnapshotExchangeInterval) === 0
    if (side.remoteActive && due && own.crossDCOperationMode === 1) {
      note(dc, 'snapshot-signal')
      side.cnt++
      send(dc, 'snapshot-received')
    }
    note(dc, 'heartbeat-sent')
    side.cnt++
    send(dc, 'heartbeat-received')
  }
  const watch = (dc: 'a' | 'b'): void => {
    const side = sides[dc]
    const misses = timing[dc].consecutiveHeartbeatMissesAllowed
    if (side.shuttingDown || side.missed > misses) return
    side.missed++
    if (side.missed > misses && side.active) status(dc, false)
  }
  const tick = (dc: 'a' | 'b', life: number): void => {
    if (sides[dc].life !== life) return
    const order = random.next() < 0.5 ? [prepare, watch] : [watch, prepare]
    for (const step of order) step(dc)
    plan(time + timing[dc].heartbeatExchangeInterval + random.next() * drift, () => tick(dc, life))
  }
  let lives = 0
  const start = (dc: 'a' | 'b'): void => {
    const life = ++lives
    sides[dc] = fresh(life)
    note(dc, 'start')
    plan(time + timing[dc].crossDCInitDelay, () => tick(dc, life))
  }
  plan(input.starts.a, () => start('a'))
  plan(input.starts.b, () => start('b'))
  const { crash, shutdown } = input
  if (crash) {
    plan(crash.at, () => (sides[crash.dc].life = 0))
    if (crash.restart !== undefined) plan(crash.restart, () => start(crash.dc))
  }
  if (shutdown) plan(shutdown.at, () => (sides[shutdown.dc].shuttingDown = true))
  while (queue.length > 0) {
    queue.sort((x, y) => y.at - x.at)
    const next = queue.pop()
    if (!next || next.at > input.until) break
    time = next.at
    next.act()
  }
  return events
}

function fresh(life: number): Side {
  return { life, cnt: 1, sensed: false, remoteActive: false, missed: 0, active: false, shuttingDown: false }
}
