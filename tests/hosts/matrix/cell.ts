import { messageOf, now } from '../../../lib/core/index.ts'
import {
  createFaultEngine,
  FaultRefusedError,
  FaultTargetError,
  type Capability,
  type Evidence,
  type Fault,
} from '../../../lib/faults/index.ts'
import type { HistoryEventInput } from '../../../lib/history/index.ts'
import { differences } from '../kill-matrix/host-state.ts'
import type { Ground, GroundName } from './ground.ts'
import type { Row } from './rows.ts'

/** One cell of the matrix: what became of a fault on a ground. Plain JSON. */
export interface Cell {
  readonly kind: string
  readonly ground: GroundName
  /**
   * `healed`: injected, its effect measured, undone, and the absence of the effect measured. `refused`: before anything was touched.
   * `failed`: anything else.
   */
  readonly outcome: 'healed' | 'refused' | 'failed'
  /** Why it was refused or failed. */
  readonly reason?: string
  /** Until the effect was measured, and from the order to heal until its absence was; milliseconds. */
  readonly confirmedMs?: number
  readonly healedMs?: number
  readonly effect?: Evidence
  readonly healed?: Evidence
  /** What is different on the hosts afterwards; empty: they are identical. */
  readonly left: readonly string[]
  /** What the engine found to weaken the proof. */
  readonly doubts: readonly string[]
}

type Course = Pick<Cell, 'outcome' | 'reason' | 'confirmedMs' | 'healedMs' | 'effect' | 'healed'>

/** A cell with the state of the hosts after it, which is the one before the next. */
export interface Tried {
  readonly cell: Cell
  readonly after: Awaited<ReturnType<Ground['state']>>
}

/** Injects a fault on a ground, heals it, and compares the hosts with what they were before. */
export async function tryCell(
  row: Row,
  { kind, name, ground, before }: { kind: string; name: GroundName; ground: Ground; before: Tried['after'] },
): Promise<Tried> {
  const events: HistoryEventInput[] = []
  const { environment, clients, shells, stopConditions } = ground
  const recorder = { event: (event: HistoryEventInput) => void events.push(event) }
  const engine = createFaultEngine({
    environment,
    clients,
    recorder,
    shells: shells.byName,
    ...(stopConditions ? { stopConditions } : {}),
  })
  let result = await injectAndHeal(row.make(ground.places))
  await engine[Symbol.asyncDispose]().catch((error: unknown) => {
    result = { outcome: 'failed', reason: messageOf(error) }
  })
  const after = await ground.state()
  const left = Object.keys(before).flatMap((machine) =>
    differences(before[machine] ?? {}, after[machine] ?? {}).map((text) => `${machine}: ${text}`),
  )
  return { cell: { kind, ground: name, ...result, left, doubts: engine.doubts }, after }

  async function injectAndHeal(fault: Fault): Promise<Course> {
    const from = now()
    try {
      const active = await engine.inject(fault)
      const confirmedMs = Math.round(now() - from)
      const healing = now()
      const { evidence } = await active.heal()
      const healedMs = Math.round(now() - healing)
      return { outcome: 'healed', confirmedMs, healedMs, effect: active.evidence, healed: evidence }
    } catch (error) {
      const isRefusal = error instanceof FaultRefusedError || error instanceof FaultTargetError
      const wasArmed = events.some((event) => event.type === 'fault' && event.state === 'armed')
      return { outcome: isRefusal && !wasArmed ? 'refused' : 'failed', reason: messageOf(error) }
    }
  }
}

/** What of the capabilities that a fault needs a ground does not offer. */
export function lackingOn({ environment }: Ground, fault: Fault): readonly Capability[] {
  return fault.definition.capabilities.filter((capability) => !environment.capabilities.includes(capability))
}
