import { defineGate } from './define-gate.ts'

/** Every fault that was injected was confirmed by its effect. */
export const faultsConfirmed = defineGate('faults-confirmed', ({ timeline }) => {
  const faults = timeline.faults.filter(({ states }) => states.injected ?? states.armed ?? states.failed)
  if (faults.length === 0) return undefined
  const failed = faults.filter(({ states }) => states.failed)
  const unconfirmed = faults.filter(({ states }) => states.injected && !states.confirmed && !states.failed)
  const detail = {
    faults: faults.length,
    unconfirmed: unconfirmed.map(({ id }) => id),
    failed: failed.map(({ id }) => id),
  }
  const bad = failed[0] ?? unconfirmed[0]
  if (!bad) return { verdict: 'pass', summary: 'Every fault was confirmed by its effect.', detail }
  const what = bad.states.failed ? `failed${bad.detail ? ` (${bad.detail})` : ''}` : 'was never confirmed'
  return {
    verdict: 'inconclusive',
    summary: `The fault ${bad.kind} on ${bad.target} ${what}: it may not have bitten.`,
    detail,
  }
})

/** At the end of the drill, every fault had been healed. */
export const faultsHealed = defineGate('leftovers', ({ timeline }) => {
  if (!timeline.ended) return undefined
  const faults = timeline.faults.filter(({ states }) => states.injected)
  const left = faults.filter(({ states }) => !states.healed)
  const detail = { faults: faults.length, left: left.map(({ id }) => id) }
  const first = left[0]
  if (!first) return { verdict: 'pass', summary: 'Nothing was left broken.', detail }
  return {
    verdict: 'inconclusive',
    summary: `The fault ${first.kind} on ${first.target} was not seen to be healed by the end of the drill.`,
    detail,
  }
})
