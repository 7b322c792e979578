import { describe, expect, it } from 'vitest'
import { environmentProjects, projectsNamed } from './projects.ts'

const environments = [
  { name: 'dc-lab', target: 'embedded' },
  { name: 'dc-hall', target: 'live' },
]
const targetOf = ({ target }: { readonly target?: string; readonly name: string }) => ({
  target: target ?? 'embedded',
  byDefault: false,
})

function projects(argv: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const printed: string[] = []
  const made = environmentProjects(environments, { targetOf, argv, env, print: (line) => printed.push(line) })
  return { names: made.map(({ test }) => test?.name), made, printed }
}

describe('a live environment', () => {
  it('is left out, and that is said, unless it is named or FAILOVER_TARGET is live', () => {
    const plain = projects([])
    expect(plain.names).toEqual(['dc-lab'])
    expect(plain.printed).toEqual([
      'dc-hall is a live environment and is left out: name it (--project dc-hall), or set FAILOVER_TARGET=live for this command.',
    ])
    expect(projects(['run', '--project', 'dc-hall']).names).toEqual(['dc-lab', 'dc-hall'])
    expect(projects(['run', '--project=dc-hall']).names).toEqual(['dc-lab', 'dc-hall'])
    expect(projects([], { FAILOVER_TARGET: 'live' }).names).toEqual(['dc-lab', 'dc-hall'])
  })

  it('is not named by a wildcard, nor by two negations, which select everything', () => {
    expect(projects(['--project', 'dc-*']).names).toEqual(['dc-lab'])
    expect(projects(['--project', '!unit', '--project', '!lab']).names).toEqual(['dc-lab'])
  })
})

describe('environment projects', () => {
  it('run embedded files side by side, live ones one by one, each project in a group of its own', () => {
    const { made } = projects(['--project=dc-hall'])
    expect(made.map(({ test }) => [test?.maxWorkers, test?.fileParallelism, test?.sequence?.groupOrder])).toEqual([
      [2, true, 10],
      [1, false, 11],
    ])
  })

  it('carry name and target, and nothing else of the environment', () => {
    const { made } = projects([])
    expect(made[0]?.test?.provide).toEqual({
      failoverEnvironment: { name: 'dc-lab', target: 'embedded', byDefault: false },
      environmentName: 'dc-lab',
    })
    expect(made[0]?.test).toMatchObject({ pool: 'forks', isolate: true, retry: 0 })
  })
})

describe('projectsNamed', () => {
  it('finds both spellings', () => {
    expect(projectsNamed(['run', '--project', 'a', '--project=b', '-t', 'c'])).toEqual(['a', 'b'])
  })
})
