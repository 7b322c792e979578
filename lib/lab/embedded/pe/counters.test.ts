import { describe, expect, it } from 'vitest'
import type { PeKind } from '../protocol.ts'
import { Counters, OperatorMemory } from './counters.ts'
import { describeOperators, QUEUE_SIZES } from './operators.ts'

describe('the counters of a processing element', () => {
  it('have the documented names, kinds and queue sizes', () => {
    const counters = new Counters(describeOperators('cross-dc'), QUEUE_SIZES)
    const watchdog = counters.collect().find(({ name }) => name.endsWith('.RemoteDataCenterHeartbeatWatchdog'))
    expect(watchdog?.inputPorts).toHaveLength(3)
    expect(watchdog?.inputPorts[0]?.metrics).toContainEqual({
      name: 'queueSize',
      kind: 'gauge',
      type: 'system',
      value: 40,
    })
    expect(watchdog?.outputPorts[0]?.metrics[0]).toEqual({
      name: 'nTuplesSubmitted',
      kind: 'counter',
      type: 'system',
      value: 0,
    })
  })

  it('are told when they change, and put together again', () => {
    const counters = new Counters(describeOperators('logic'))
    const memory = new OperatorMemory()
    const value = (): number | undefined => memory.update([])[0]?.inputPorts[0]?.metrics[0]?.value
    memory.update(counters.collect())
    expect(value()).toBe(0)
    expect(counters.collect()).toEqual([])
    const input = counters.input('Logic', 0)
    input.processed++
    // Two changes that would cancel each other out in a sum.
    input.queued--
    memory.update(counters.collect())
    expect(value()).toBe(1)
  })

  it('tell of custom gauges', () => {
    const counters = new Counters(describeOperators('sink'))
    let port = 1
    counters.gauge('Results', 'serverPort', () => port)
    counters.collect()
    port = 2
    expect(counters.collect()[0]?.metrics).toContainEqual({
      name: 'serverPort',
      kind: 'gauge',
      type: 'custom',
      value: 2,
    })
  })

  it('know their operators only', () => {
    const counters = new Counters(describeOperators('ingest'))
    expect(() => counters.input('Nobody', 0)).toThrow(/operator Nobody/)
    expect(() => counters.input('Ingest', 0)).toThrow(/input port 0 of Ingest/)
  })
})

describe('the static descriptions', () => {
  it.each<[PeKind, number]>([
    ['ingest', 1],
    ['logic', 1],
    ['sink', 1],
    ['cross-dc', 20],
    ['passive', 21],
  ])('of %s are %i operators with names of their own', (kind, count) => {
    const names = describeOperators(kind).map(({ name }) => name)
    expect(names).toHaveLength(count)
    expect(new Set(names).size).toBe(count)
  })

  it('repeat the parallel ones for each pair', () => {
    const names = describeOperators('cross-dc', 3).map(({ name }) => name)
    expect(names.filter((name) => name.includes('[2]'))).toEqual([
      'CrossDCFailover.CrossDataCenterSender2[2]',
      'CrossDCFailover.CrossDataCenterReceiver[2]',
    ])
  })
})
