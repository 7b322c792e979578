import { expect, it } from 'vitest'
import { traceFact, TraceTrack } from './trace-lines.ts'

const UP = 'Received a notification about the remote data center coming up and running normally.'
const DOWN = 'Received a notification about the remote data center going down due to failure or planned maintenance.'

it.each([
  [UP, { type: 'up' }],
  [DOWN, { type: 'down' }],
  ['Local Data Center=dc2, Local DC Operation Mode=Passive, Remote DC Status=Down and not running.', { type: 'down' }],
  ['Local Data Center=dc2, Local DC Operation Mode=Passive, Remote DC Status=Up and running.', { type: 'up' }],
  ['Local Data Center=dc2, Remote DC Status=First contact not yet made.', undefined],
  [
    '-->Completed the taking-over of the replicated data from this remote data center after it went down:dc1. A total of 12 data items were taken over (failed over) for processing here.',
    { type: 'taken-over', items: 12 },
  ],
  [
    '_XXXXX_ Received the heartbeat message 9 with no data snapshot from the data center named dc1.',
    { type: 'heartbeat-received' },
  ],
  [
    '_XXXXX_ Received the heartbeat message 9 with a non-zero length data snapshot from the data center named dc1. Data snapshot origin=0.',
    { type: 'snapshot-received' },
  ],
  ['_XXXXX_ We sent an orderly shutdown message from the local DC dc1 to the remote DC.', { type: 'shutdown-sent' }],
  ['something else', undefined],
])('reads %j', (line, fact) => {
  expect(traceFact(`2026-01-01 10:00:00.000 INFO #splapptrc ${line}`)).toEqual(fact)
})

it('bounds a line by the read that lacks it', () => {
  const track = new TraceTrack()
  expect(track.observe(`${UP}\n`, 10, 11)).toEqual([
    { fact: { type: 'up' }, at: { earliest: 10, latest: 11 }, initial: true },
  ])
  expect(track.observe(`${UP}\n`, 20, 21)).toEqual([])
  expect(track.observe(`${UP}\n${DOWN}\n`, 30, 31)).toEqual([
    { fact: { type: 'down' }, at: { earliest: 20, latest: 31 }, initial: false },
  ])
})

it('goes on after the last known line when the trace was rotated', () => {
  const track = new TraceTrack()
  track.observe(`1 ${UP}\n2 ${DOWN}\n`, 10, 11)
  expect(track.observe(`2 ${DOWN}\n3 ${UP}\n`, 20, 21).map(({ fact }) => fact.type)).toEqual(['up'])
  expect(track.observe(`7 ${DOWN}\n`, 30, 31).map(({ fact }) => fact.type)).toEqual(['down'])
})
