import { expect, it } from 'vitest'
import type { SiteSample } from './sample.ts'
import { SiteTrack } from './site-track.ts'
import type { ToolkitCounters } from './view.ts'

const running = [{ id: '1', status: 'running', launchCount: 1 }]

/** The answer of poll number `poll`, which is asked at its tens and answered one later. */
function sample(
  poll: number,
  jobs: { readonly application?: string; readonly watcher?: string },
  counters: Partial<Record<keyof ToolkitCounters, number>> = {},
): SiteSample {
  const toolkit = jobs.watcher ?? jobs.application
  const entries = Object.entries(counters).map(([name, value]) => [
    name,
    { value, life: toolkit ?? '', collection: String(poll) },
  ])
  return {
    asked: poll * 10,
    answered: poll * 10 + 1,
    application: jobs.application === undefined ? undefined : { id: jobs.application, pes: running },
    toolkit: toolkit === undefined || entries.length === 0 ? undefined : { jobId: toolkit, pes: running },
    counters: Object.fromEntries(entries) as SiteSample['counters'],
  }
}

const open = (): SiteTrack => new SiteTrack({ dc: 'west', patienceMs: 100, staleMs: 1000 })

it('takes the launched application for the takeover of a passive data centre', () => {
  const track = open()
  const watcher = { watcher: 'w' }
  track.answer(sample(1, watcher, { statusChanges: 1 }))
  expect(track.state(12)).toMatchObject({ peerView: 'up', application: 'gone', toolkit: 'running' })
  track.answer(sample(2, watcher, { statusChanges: 1 }))
  track.answer(sample(3, watcher, { statusChanges: 2 }))
  expect(track.state(32).takeovers).toEqual([])
  track.answer(sample(4, { application: 'a' }))
  const [takeover] = track.state(42).takeovers
  expect(takeover).toMatchObject({
    detection: { earliest: 10, latest: 31 },
    takeover: { earliest: 30, latest: 41 },
    pieces: 0,
    evidence: { kind: 'job-health' },
  })
  expect(takeover?.evidence.degraded).toBeUndefined()
})

it('infers the takeover when the watcher has ended before its declaration was seen', () => {
  const track = open()
  track.answer(sample(1, { watcher: 'w' }, { statusChanges: 1 }))
  track.answer(sample(2, { watcher: 'w' }, { statusChanges: 1 }))
  track.answer(sample(3, { application: 'a' }))
  const state = track.state(32)
  expect(state.failovers).toBe(1)
  expect(state.takeovers).toMatchObject([
    {
      detection: { latest: 31 },
      takeover: { latest: 31 },
      evidence: { degraded: 'the watcher ended before its declaration was seen' },
    },
  ])
  expect(state.takeovers[0]?.detection.earliest).toBeLessThanOrEqual(10)
})

it('goes on after a short silence of the management service as if there had been none', () => {
  const track = open()
  track.answer(sample(1, { application: 'a' }, { statusChanges: 1 }))
  track.failure({ asked: 20, answered: 60, kind: 'silent', reason: 'slow' })
  expect(track.state(61)).toMatchObject({ peerView: 'up', management: 'up' })
  track.failure({ asked: 70, answered: 170, kind: 'silent', reason: 'slow' })
  expect(track.state(171)).toMatchObject({ peerView: 'unknown', management: 'down', toolkit: 'unknown' })
  track.answer(sample(20, { application: 'a' }, { statusChanges: 1 }))
  expect(track.state(202)).toMatchObject({ peerView: 'up', management: 'up', relaunches: 0, failovers: 0 })
})

it('knows a stopped instance from a silent one', () => {
  const track = open()
  track.answer(sample(1, { application: 'a' }, { statusChanges: 1 }))
  const news = track.failure({ asked: 20, answered: 21, kind: 'stopped', reason: 'CDISA5072E' })
  expect(track.state(22)).toMatchObject({ toolkit: 'gone', management: 'up', evidence: { kind: 'job-health' } })
  expect(news.map(({ subject, value, at }) => [subject, value, at.earliest])).toEqual([
    ['job', 'gone', 10],
    ['toolkit', 'gone', 10],
  ])
})

it('takes what was seen of a takeover when the peer comes back before it has settled', () => {
  const track = open()
  const app = { application: 'a' }
  track.answer(sample(1, app, { statusChanges: 1, takeoverPieces: 0 }))
  track.answer(sample(2, app, { statusChanges: 2, takeoverPieces: 1 }))
  track.answer(sample(3, app, { statusChanges: 3, takeoverPieces: 1 }))
  expect(track.state(32).takeovers).toMatchObject([{ pieces: 1, evidence: { degraded: expect.any(String) } }])
})
