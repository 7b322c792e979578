import { describe, expect, it } from 'vitest'
import { ConfigurationError } from '../core/index.ts'
import { defaultDialect, defineDialect } from './dialect.ts'
import { lowerCamel, state } from './enums.ts'
import { parseJson, stringifyJson } from './json.ts'

describe('a dialect', () => {
  it('replaces facts and keeps the others', () => {
    const dialect = defineDialect({
      data: { items: 'tuples' },
      calls: { stopPe: { method: 'POST', target: 'actions', body: { type: 'stop' } } },
    })
    expect(dialect.data).toEqual({ ...defaultDialect.data, items: 'tuples' })
    expect(dialect.calls.stopPe).toEqual({ method: 'POST', target: 'actions', body: { type: 'stop' } })
    expect(dialect.calls.startPe).toBe(defaultDialect.calls.startPe)
    expect(() => Object.assign(dialect.data, { items: 'x' })).toThrow()
  })

  it('refuses facts that it does not know', () => {
    expect(() => defineDialect({ data: { itms: 'x' } } as never)).toThrow(ConfigurationError)
    expect(() => defineDialect({ data: { itms: 'x' } } as never)).toThrow(
      /dialect.data has no fact named "itms".*items/,
    )
    expect(() => defineDialect({ data: 'x' } as never)).toThrow(/dialect.data must be an object/)
  })
})

describe('states', () => {
  const status = state(['partiallyRunning', 'canceled', 'noViableResource'])
  it.each([
    ['partiallyRunning', 'partiallyRunning'],
    ['PARTIALLY_RUNNING', 'partiallyRunning'],
    ['partially-running', 'partiallyRunning'],
    ['Partially Running', 'partiallyRunning'],
    ['cancelled', 'canceled'],
    ['CANCELLED', 'canceled'],
    ['No feasible resource', 'noViableResource'],
    ['BRAND_NEW', 'brandNew'],
    ['', 'unknown'],
    [null, 'unknown'],
    [undefined, 'unknown'],
  ])('%j is %s', (text, value) => expect(status.parse(text)).toBe(value))

  it('lower camel case', () =>
    expect(['A', 'ab_CD', 'HostFailure'].map(lowerCamel)).toEqual(['a', 'abCd', 'hostFailure']))
})

describe('JSON without loss', () => {
  it('reads and writes what numbers cannot hold', () => {
    const text =
      '{"a":18446744073709551615,"b":-9007199254740993,"c":0.12345678901234567,"d":9007199254740991,"e":1e400,"f":"9999999999999999999"}'
    expect(parseJson(text)).toEqual({
      a: 18446744073709551615n,
      b: -9007199254740993n,
      c: 0.12345678901234567,
      d: 9007199254740991,
      e: Infinity,
      f: '9999999999999999999',
    })
    expect(stringifyJson({ a: [18446744073709551615n], b: undefined, c: 'é' })).toBe(
      '{"a":[18446744073709551615],"c":"é"}',
    )
    expect(parseJson('{"x":1,"x":9007199254740993}')).toEqual({ x: 9007199254740993n })
  })
})
