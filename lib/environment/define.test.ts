import { describe, expect, it } from 'vitest'
import { environments } from '../../environments/index.ts'
import { defineEnvironment, EnvironmentError, extendEnvironment, type EnvironmentInput } from './index.ts'
import { declarationOn } from './define.ts'

const input = {
  name: 'dc-a-b',
  description: 'a test',
  objectives: { rto: '30s', rpo: { tuples: 0, stateAge: '10s' } },
  application: {
    job: 'app',
    bundle: 'app.sab',
    parameters: {},
    operators: { ingest: 'In', results: 'Out', special: 'Special' },
  },
} as const satisfies EnvironmentInput

const problemsOf = (make: () => unknown): string[] => {
  try {
    make()
  } catch (error) {
    if (error instanceof EnvironmentError) return error.problems.map((p) => `${p.field}: ${p.problem}. ${p.remedy}`)
    throw error
  }
  return []
}

describe('defineEnvironment', () => {
  it('fills in what has a default, and freezes all of it', () => {
    const environment = defineEnvironment(input)
    expect(environment).toMatchObject({
      mode: 'active-active',
      operatorPrefix: 'CrossDCFailover',
      safety: { maxFaults: 1 },
    })
    expect(Object.isFrozen(environment) && Object.isFrozen(environment.objectives.rpo)).toBe(true)
  })

  it('lists every unknown key, missing unit and wrong value at once', () => {
    const wrong = {
      ...input,
      name: 'DC East',
      objectives: { rto: 30, rpo: { tuples: -1 }, rpos: {} },
      toolkit: { both: { heartbeatExchangeIntervall: '1' } },
      safety: { leaseTtl: '15 seconds' },
      aplication: {},
    }
    expect(problemsOf(() => defineEnvironment(wrong as unknown as EnvironmentInput))).toMatchInlineSnapshot(`
      [
        "name: is made of lower-case words joined by hyphens, as in dc-east-west. Correct it in defineEnvironment.",
        "objectives.rto: 30 has no unit: write '30ms' or '30s'. Correct it in defineEnvironment.",
        "objectives.rpo.tuples: too small: expected number to be >=0. Correct it in defineEnvironment.",
        "objectives.rpos: is not a key of an environment. Did you mean rpo?",
        "toolkit.both.heartbeatExchangeIntervall: is not a key of an environment. Did you mean heartbeatExchangeInterval?",
        "safety.leaseTtl: "15 seconds" is not a duration: write a number with ms, s, m or h, as in '30s'. Correct it in defineEnvironment.",
        "aplication: is not a key of an environment. Did you mean application?",
      ]
    `)
  })

  it('names what is missing', () => {
    const { application: _, ...without } = input
    expect(problemsOf(() => defineEnvironment(without as unknown as EnvironmentInput))).toEqual([
      'application: is missing. Correct it in defineEnvironment.',
    ])
  })
})

describe('extendEnvironment', () => {
  it('lays changes over a base key by key', () => {
    const base = defineEnvironment({ ...input, toolkit: { both: { crossDCInitDelay: '40' } } })
    const made = extendEnvironment(base, {
      name: 'dc-a-b-slow',
      objectives: { rto: '5m' },
      toolkit: { both: { heartbeatExchangeInterval: '30' } },
      safety: { allow: ['process'] },
    })
    expect(made).toMatchObject({
      name: 'dc-a-b-slow',
      description: 'a test',
      objectives: { rto: '5m', rpo: { tuples: 0 } },
      toolkit: { both: { crossDCInitDelay: '40', heartbeatExchangeInterval: '30' } },
      safety: { allow: ['process'], maxFaults: 1 },
    })
    expect(base.objectives.rto).toBe('30s')
  })

  it('checks what comes out', () => {
    const base = defineEnvironment(input)
    expect(problemsOf(() => extendEnvironment(base, { name: 'x', objectives: { rto: '5 min' as '5m' } }))).toHaveLength(
      1,
    )
  })
})

describe('the environments of this repository', () => {
  it.each(environments.map((environment) => [environment.name, environment] as const))(
    '%s holds for each target',
    (_, it) => {
      expect(declarationOn(it, 'embedded').name).toBe(it.name)
      expect(declarationOn(it, 'live').name).toBe(it.name)
    },
  )

  it('have names of their own', () => {
    expect(new Set(environments.map(({ name }) => name)).size).toBe(environments.length)
  })
})
