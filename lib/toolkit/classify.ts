import type { ApplicationState, ClassifiedView, Evidence, PairClassification } from './view.ts'

const STRENGTH = ['toolkit-metrics', 'trace', 'job-health', 'data-plane', 'none'] as const

/** The weaker of two grounds: a conclusion from both is as strong as that. */
export function weakerOf(first: Evidence, second: Evidence): Evidence {
  const order = STRENGTH.indexOf(first.kind) - STRENGTH.indexOf(second.kind)
  if (order !== 0) return order > 0 ? first : second
  return first.degraded === undefined ? second : first
}

/**
 * The toolkit's PEs as they may be taken to be, with what the peer and the data plane add: a management service that does not answer
 * proves nothing, but together with a dead data plane and a peer that declared the data centre down it does.
 */
export function corroborated(view: ClassifiedView, peer: ClassifiedView): ApplicationState {
  const silentEverywhere = view.management !== 'up' && view.dataPlane === 'down' && peer.peerView === 'down'
  return view.toolkit === 'unknown' && silentEverywhere ? 'gone' : view.toolkit
}

/**
 * What two views of each other mean (toolkit reference §10, §11 and §13.1). Pure; every combination has an answer.
 * The toolkit has no such state: it is inferred, and says from what.
 */
export function classify(east: ClassifiedView, west: ClassifiedView): PairClassification {
  const sides = [
    { own: east, peer: west, toolkit: corroborated(east, west) },
    { own: west, peer: east, toolkit: corroborated(west, east) },
  ] as const
  const [a, b] = sides
  const both = weakerOf(east.evidence, west.evidence)

  const quiesced = sides.find((side) => side.own.quiesced)
  if (quiesced) {
    const { dc, evidence } = quiesced.own
    return {
      state: 'orderly-shutdown',
      subject: dc,
      detail: `${dc} was shut down in an orderly way; ${quiesced.peer.dc} sees it ${word(quiesced.peer)}`,
      evidence,
    }
  }
  const dead = sides.filter((side) => side.toolkit === 'gone')
  const [gone] = dead
  if (dead.length === 2) {
    return { state: 'peer-crashed', detail: 'the toolkit is gone at both data centres', evidence: both }
  }
  if (gone) {
    const { own, peer } = gone
    const evidence = own.toolkit === 'gone' ? own.evidence : corroboration(own, peer)
    const seen = peer.peerView === 'down' ? 'has declared it down' : `sees it ${word(peer)}`
    return { state: 'peer-crashed', subject: own.dc, detail: `${own.dc} is gone; ${peer.dc} ${seen}`, evidence }
  }
  const unclear = sides.find((side) => side.toolkit === 'unknown')
  if (unclear) return nothingTells(unclear.own, unclear.peer)
  const busy = sides.find((side) => side.toolkit === 'impaired') ?? sides.find((side) => side.toolkit !== 'running')
  if (busy) {
    const { own, peer } = busy
    const restarting = busy.toolkit === 'restarting'
    return {
      state: restarting ? 'restarting' : 'peer-crashed',
      subject: own.dc,
      detail: `${own.dc} ${restarting ? 'is restarting' : 'has a PE that does not run'}; ${peer.dc} sees it ${word(peer)}`,
      evidence: own.evidence,
    }
  }
  const blind = sides.find((side) => side.own.peerView === 'unknown')
  if (blind) return nothingTells(blind.own, blind.peer)
  return classifyRunning(a.own, b.own, both)
}

function classifyRunning(east: ClassifiedView, west: ClassifiedView, evidence: Evidence): PairClassification {
  const views = [east, west] as const
  if (views.every((view) => view.peerView === 'up')) {
    return { state: 'normal', detail: `${east.dc} and ${west.dc} see each other up`, evidence }
  }
  if (views.every((view) => view.peerView === 'down')) {
    const stuck = views.every((view) => view.heartbeating === 'silent')
    return {
      state: stuck ? 'stuck-split-brain' : 'split-brain',
      detail: stuck
        ? `both run, each holds the other for down, and neither sends heartbeats: this does not end by itself`
        : `both run and each holds the other for down`,
      evidence,
    }
  }
  const fresh = views.find((view) => view.peerView === 'never-seen')
  if (fresh) {
    const other = fresh === east ? west : east
    const known = views.some((view) => view.relaunches > 0 || view.failovers > 0 || view.peerView === 'down')
    return {
      state: known ? 'restarting' : 'never-seen',
      ...(known ? { subject: fresh.dc } : {}),
      detail: `${fresh.dc} has not seen ${other.dc} since it started; ${other.dc} sees it ${word(other)}`,
      evidence,
    }
  }
  const deaf = east.peerView === 'down' ? east : west
  const other = deaf === east ? west : east
  return {
    state: 'one-way-loss',
    subject: deaf.dc,
    detail: `${deaf.dc} no longer hears ${other.dc}, which sees it up`,
    evidence,
  }
}

function nothingTells(own: ClassifiedView, peer: ClassifiedView): PairClassification {
  return {
    state: 'unknown',
    subject: own.dc,
    detail: `nothing tells how ${own.dc} is (${own.evidence.detail}); ${peer.dc} sees it ${word(peer)}`,
    evidence: own.evidence,
  }
}

function corroboration(own: ClassifiedView, peer: ClassifiedView): Evidence {
  return {
    kind: 'data-plane',
    detail: `management and data plane of ${own.dc} are dead, and ${peer.dc} has declared it down (${peer.evidence.detail})`,
  }
}

function word(view: ClassifiedView): string {
  return { 'never-seen': 'as never seen', up: 'up', down: 'down', unknown: 'in an unknown state' }[view.peerView]
}
