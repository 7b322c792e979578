import { describe, expect, it } from 'vitest'
import { requiredCapabilities, requireOrSkip } from './capabilities.ts'
import { CapabilityError } from './errors.ts'

class Skipped extends Error {}

function context() {
  const meta: { failoverSkip?: { readonly capability: string; readonly reason: string } } = {}
  return {
    task: { meta },
    skip(note?: string): never {
      throw new Skipped(note)
    },
  }
}

const sources = (require: string) => ({ env: { FAILOVER_REQUIRE: require }, file: null })

describe('requireOrSkip', () => {
  it('skips with the reason and leaves it for the report', () => {
    const test = context()
    expect(() => requireOrSkip(test, 'power', 'no power commands are known', sources(''))).toThrow(
      new Skipped('needs power: no power commands are known'),
    )
    expect(test.task.meta.failoverSkip).toEqual({ capability: 'power', reason: 'no power commands are known' })
  })

  it('fails where the capability is required, or all are', () => {
    for (const required of ['links, Power', 'all']) {
      const test = context()
      expect(() => requireOrSkip(test, 'power', 'no power commands are known', sources(required))).toThrow(
        CapabilityError,
      )
      expect(test.task.meta.failoverSkip).toBeUndefined()
    }
  })

  it('names what is missing and the remedy', () => {
    expect(() => requireOrSkip(context(), 'power', 'no commands', sources('power'))).toThrowErrorMatchingInlineSnapshot(
      `[CapabilityError: This spec needs power: no commands. Provide it, or take it out of FAILOVER_REQUIRE (power) to let the spec be skipped.]`,
    )
  })
})

describe('requiredCapabilities', () => {
  it('reads a list with blanks', () => {
    expect([...requiredCapabilities(sources(' a ,B,, c'))]).toEqual(['a', 'b', 'c'])
    expect(requiredCapabilities(sources('')).size).toBe(0)
  })
})
