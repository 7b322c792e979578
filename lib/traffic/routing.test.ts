import { describe, expect, it } from 'vitest'
import { HomeRoute, type RouteOutcome } from './routing.ts'
import type { Redirect } from './types.ts'

function routeOf(): { route: HomeRoute; redirects: Redirect[]; tell: (outcome: Partial<RouteOutcome>) => void } {
  const redirects: Redirect[] = []
  const route = new HomeRoute('east', 'home', (redirect) => redirects.push(redirect))
  const tell = (outcome: Partial<RouteOutcome>): void => {
    const at = outcome.doneAt ?? 0
    const defaults = { dc: 'east', attempt: 1, epoch: route.epoch, reason: 'test', sentAt: at - 1, doneAt: at } as const
    route.settled({ ...defaults, outcome: 'acknowledged', ...outcome })
  }
  return { route, redirects, tell }
}

describe('the route of a home', () => {
  it('stays while both refuse, and turns to the one that takes what this one refused', () => {
    const { route, redirects, tell } = routeOf()
    for (let at = 10; at < 20; at++) {
      tell({ outcome: 'refused', doneAt: at, reason: 'connection refused' })
      expect(route.takesRetry('east', at + 0.1)).toBe(true)
      tell({ dc: 'west', attempt: 2, outcome: 'refused', doneAt: at + 0.5, reason: 'http 409' })
    }
    expect(route.route).toBe('east')
    tell({ dc: 'west', attempt: 2, outcome: 'acknowledged', sentAt: 30, doneAt: 31 })
    expect(route.route).toBe('west')
    expect(redirects).toEqual([
      {
        home: 'east',
        from: 'east',
        to: 'west',
        reason: 'connection refused',
        decided: { earliest: 10, latest: 10.1 },
        acknowledged: { earliest: 30, latest: 31 },
      },
    ])
  })

  it('turns away from one that answers nothing, and tries it again only now and then', () => {
    const { route, redirects, tell } = routeOf()
    tell({ outcome: 'indeterminate', doneAt: 100, reason: 'no answer in time' })
    tell({ outcome: 'indeterminate', doneAt: 110 })
    expect(route.route).toBe('east')
    tell({ outcome: 'indeterminate', doneAt: 120 })
    expect(route.route).toBe('west')
    expect(redirects).toEqual([])
    tell({ dc: 'west', outcome: 'refused', doneAt: 130 })
    expect(route.takesRetry('west', 130)).toBe(false)
    expect(route.takesRetry('west', 180)).toBe(true)
    expect(route.takesRetry('west', 300)).toBe(false)
    tell({ dc: 'east', attempt: 2, outcome: 'indeterminate', doneAt: 310 })
    expect(route.takesRetry('west', 320)).toBe(true)
    tell({ dc: 'west', outcome: 'acknowledged', sentAt: 330, doneAt: 335 })
    expect(redirects).toMatchObject([
      { to: 'west', decided: { earliest: 100, latest: 120 }, acknowledged: { latest: 335 } },
    ])
  })

  it('returns to one that serves again while the other refuses', () => {
    const { route, redirects, tell } = routeOf()
    for (const doneAt of [1, 2, 3]) tell({ outcome: 'indeterminate', doneAt })
    expect(route.route).toBe('west')
    tell({ dc: 'west', outcome: 'refused', doneAt: 60 })
    expect(route.takesRetry('west', 60)).toBe(true)
    tell({ dc: 'east', attempt: 2, outcome: 'acknowledged', doneAt: 61 })
    expect(route.route).toBe('east')
    expect(redirects).toMatchObject([
      { from: 'east', to: 'west', acknowledged: undefined },
      { from: 'west', to: 'east', acknowledged: { latest: 61 } },
    ])
  })

  it('is not turned by answers that are older than the last decision', () => {
    const { route, tell } = routeOf()
    const before = route.epoch
    tell({ outcome: 'refused', doneAt: 1 })
    route.takesRetry('east', 1)
    tell({ dc: 'west', attempt: 2, outcome: 'acknowledged', doneAt: 2 })
    expect(route.route).toBe('west')
    route.failback(3)
    expect(route.route).toBe('east')
    tell({ dc: 'west', attempt: 2, outcome: 'acknowledged', epoch: before, doneAt: 4 })
    expect(route.route).toBe('east')
  })

  it('a single doubt between acknowledgements changes nothing', () => {
    const { route, tell } = routeOf()
    for (let at = 0; at < 50; at++) tell({ outcome: at % 3 === 0 ? 'acknowledged' : 'indeterminate', doneAt: at })
    expect(route.route).toBe('east')
  })

  it('that is pinned, or goes to both, never changes', () => {
    for (const routing of ['both', { pinned: 'west' }] as const) {
      const route = new HomeRoute('east', routing, () => undefined)
      const targets = route.targets()
      const outcome = {
        dc: 'west',
        attempt: 1,
        epoch: 0,
        outcome: 'indeterminate',
        reason: '',
        sentAt: 0,
        doneAt: 1,
      } as const
      for (let times = 0; times < 9; times++) route.settled(outcome)
      expect(route.targets()).toEqual(targets)
      expect(route.takesRetry('west', 99)).toBe(false)
    }
  })
})
