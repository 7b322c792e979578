import { describe, expect, it } from 'vitest'
import { classify } from './classify.ts'
import type {
  ApplicationState,
  ClassifiedView,
  Evidence,
  Heartbeating,
  PairState,
  PeerView,
  Reachability,
} from './view.ts'

const metrics: Evidence = { kind: 'toolkit-metrics', detail: 'counted' }

function view(dc: string, changes: Partial<ClassifiedView> = {}): ClassifiedView {
  return {
    dc,
    peerView: 'up',
    toolkit: 'running',
    heartbeating: 'sending',
    quiesced: false,
    management: 'up',
    dataPlane: 'unknown',
    relaunches: 0,
    failovers: 0,
    evidence: metrics,
    ...changes,
  }
}

const VIEWS: readonly PeerView[] = ['never-seen', 'up', 'down', 'unknown']
const TOOLKITS: readonly ApplicationState[] = ['running', 'restarting', 'impaired', 'gone', 'unknown']
const SENDING: readonly Heartbeating[] = ['sending', 'silent', 'unknown']
const REACH: readonly Reachability[] = ['up', 'down', 'unknown']

describe('two running toolkits', () => {
  // Rows: what east sees; columns: what west sees, in the order of VIEWS.
  const table: Record<PeerView, readonly PairState[]> = {
    'never-seen': ['never-seen', 'never-seen', 'restarting', 'unknown'],
    up: ['never-seen', 'normal', 'one-way-loss', 'unknown'],
    down: ['restarting', 'one-way-loss', 'split-brain', 'unknown'],
    unknown: ['unknown', 'unknown', 'unknown', 'unknown'],
  }
  it.each(VIEWS.flatMap((east) => VIEWS.map((west, index) => [east, west, table[east][index]] as const)))(
    'that see %s and %s are %s',
    (east, west, state) => {
      expect(classify(view('east', { peerView: east }), view('west', { peerView: west })).state).toBe(state)
    },
  )

  it.each(SENDING.flatMap((east) => SENDING.map((west) => [east, west] as const)))(
    'that hold each other for down while they are %s and %s are stuck only if both are silent',
    (east, west) => {
      const both = [east, west].map((heartbeating, index) =>
        view(index === 0 ? 'east' : 'west', { peerView: 'down', heartbeating }),
      )
      const [first = view('east'), second = view('west')] = both
      const stuck = east === 'silent' && west === 'silent'
      expect(classify(first, second).state).toBe(stuck ? 'stuck-split-brain' : 'split-brain')
    },
  )

  it.each([
    ['relaunched', { relaunches: 1 }],
    ['lost before', { failovers: 1 }],
  ])('of which one has not seen the other again are restarting when it was %s', (_, before) => {
    const found = classify(view('east', { peerView: 'never-seen', ...before }), view('west'))
    expect(found).toMatchObject({ state: 'restarting', subject: 'east' })
  })

  it('name the deaf side of a one-way loss', () => {
    expect(classify(view('east'), view('west', { peerView: 'down' }))).toMatchObject({
      state: 'one-way-loss',
      subject: 'west',
    })
  })
})

describe('toolkits in other states', () => {
  const table: Record<ApplicationState, readonly PairState[]> = {
    running: ['normal', 'restarting', 'peer-crashed', 'peer-crashed', 'unknown'],
    restarting: ['restarting', 'restarting', 'peer-crashed', 'peer-crashed', 'unknown'],
    impaired: ['peer-crashed', 'peer-crashed', 'peer-crashed', 'peer-crashed', 'unknown'],
    gone: ['peer-crashed', 'peer-crashed', 'peer-crashed', 'peer-crashed', 'peer-crashed'],
    unknown: ['unknown', 'unknown', 'unknown', 'peer-crashed', 'unknown'],
  }
  it.each(TOOLKITS.flatMap((east) => TOOLKITS.map((west, index) => [east, west, table[east][index]] as const)))(
    'east %s and west %s are %s',
    (east, west, state) => {
      expect(classify(view('east', { toolkit: east }), view('west', { toolkit: west })).state).toBe(state)
    },
  )

  it.each(
    REACH.flatMap((management) => REACH.flatMap((data) => VIEWS.map((peer) => [management, data, peer] as const))),
  )(
    'management %s and data plane %s prove a crash only together with a peer that says down (%s)',
    (management, dataPlane, peerView) => {
      const lost = view('east', { toolkit: 'unknown', peerView: 'unknown', management, dataPlane })
      const proven = management !== 'up' && dataPlane === 'down' && peerView === 'down'
      const found = classify(lost, view('west', { peerView }))
      expect(found.state).toBe(proven ? 'peer-crashed' : 'unknown')
      if (proven) expect(found).toMatchObject({ subject: 'east', evidence: { kind: 'data-plane' } })
    },
  )
})

it.each(TOOLKITS.flatMap((toolkit) => VIEWS.map((peerView) => [toolkit, peerView] as const)))(
  'an orderly shutdown outweighs all else (%s, peer %s)',
  (toolkit, peerView) => {
    const found = classify(view('east', { quiesced: true, toolkit }), view('west', { peerView }))
    expect(found).toMatchObject({ state: 'orderly-shutdown', subject: 'east' })
  },
)

it('answers every combination, the same from both sides, and without believing in normality it does not see', () => {
  const sides = (dc: string): ClassifiedView[] =>
    VIEWS.flatMap((peerView) =>
      TOOLKITS.flatMap((toolkit) =>
        SENDING.flatMap((heartbeating) =>
          [true, false].map((quiesced) => view(dc, { peerView, toolkit, heartbeating, quiesced })),
        ),
      ),
    )
  for (const east of sides('east')) {
    for (const west of sides('west')) {
      const found = classify(east, west)
      expect(classify(west, east).state).toBe(found.state)
      if (found.state !== 'normal') continue
      const healthy = [east, west].every((one) => one.peerView === 'up' && one.toolkit === 'running' && !one.quiesced)
      expect(healthy).toBe(true)
    }
  }
})

it('is as sure as the weaker of its grounds', () => {
  const weak: Evidence = { kind: 'trace', detail: 'a line' }
  expect(classify(view('east'), view('west', { evidence: weak })).evidence).toEqual(weak)
  const stale: Evidence = { ...metrics, degraded: 'stale' }
  expect(classify(view('east', { evidence: stale }), view('west')).evidence).toEqual(stale)
})
