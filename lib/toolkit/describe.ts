import { formatMs } from '../core/index.ts'
import type { DcState, PairView } from './view.ts'

/** One line for people: both views, what was taken over, what is missing, and what it means. */
export function describeMonitor(states: readonly DcState[], pair: PairView, now: number): string {
  const parts = states.map((state) => describeState(state, states, now))
  return [...parts, `pair: ${pair.state}`].join('; ')
}

function describeState(state: DcState, states: readonly DcState[], now: number): string {
  const peer = states.find(({ dc }) => dc !== state.dc)?.dc ?? 'the other'
  const words = [`${state.dc} ${seen(state, peer, now)}`]
  if (state.quiesced) words.push('shut down in an orderly way')
  if (state.peerView === 'down') words.push(taken(state))
  if (state.heartbeating === 'silent') words.push('sends no heartbeats')
  if (state.evidence.degraded !== undefined) words.push(state.evidence.degraded)
  return words.join(', ')
}

function seen({ peerView, initial, at, toolkit, management, evidence }: DcState, peer: string, now: number): string {
  const since = initial ? '' : ` since ${formatMs(Math.max(0, now - at.latest))}`
  switch (peerView) {
    case 'up':
      return `sees ${peer} up${since}`
    case 'down':
      return `sees ${peer} down${since}`
    case 'never-seen':
      return `has not seen ${peer} yet`
    case 'unknown':
      if (management === 'down') return `does not answer (${evidence.detail})`
      return toolkit === 'unknown' ? `tells nothing (${evidence.detail})` : `has its toolkit ${toolkit}`
  }
}

function taken({ takeovers, at, takeoverPieces }: DcState): string {
  const last = takeovers.at(-1)
  const pieces = takeoverPieces === 1 ? '1 piece' : `${takeoverPieces} pieces`
  return last && last.detection.latest === at.latest ? `took over ${pieces}` : `${pieces} taken over so far`
}
