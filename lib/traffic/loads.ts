import { keyGenerator, payloadPool, type KeyGenerator } from './generator.ts'
import { HomeLoad, type KeyLane } from './home-load.ts'
import { Lane } from './lane.ts'
import type { InjectorSetup } from './messages.ts'
import { HomeRoute } from './routing.ts'
import type { HttpTarget } from './target.ts'
import type { DcName, Redirect } from './types.ts'

/** What a run sends: the load of each home, its witnesses, and the connections that carry both. */
export interface Loads {
  readonly loads: readonly HomeLoad[]
  readonly witnesses: readonly { readonly load: HomeLoad; readonly lane: KeyLane }[]
  readonly lanes: readonly Lane[]
}

/** Spreads a run's keys over homes and connections. `target` says where a data centre's endpoint is now. */
export function makeLoads(
  setup: InjectorSetup,
  firstKey: number,
  target: (dc: DcName) => HttpTarget | undefined,
  onRedirect: (redirect: Redirect) => void,
): Loads {
  const { seed, payloadBytes, homes, profile, routing } = setup
  const pool = payloadPool(seed)
  const generators = setup.keys.map((entry, place) =>
    keyGenerator({ entry, index: firstKey + place, place, seed, payloadBytes, pool }),
  )
  const lanes: Lane[] = []
  const open = (dc: DcName): Lane => {
    const options = { target: () => target(dc), timeoutMs: setup.requestTimeoutMs, depth: setup.pipelining }
    const lane = new Lane(options)
    lanes.push(lane)
    return lane
  }
  const keyLane = (keys: readonly KeyGenerator[]): KeyLane => {
    return { keys, http: { east: open('east'), west: open('west') }, order: 0, sentTo: { east: 0, west: 0 }, turn: 0 }
  }
  const loads = homes.map((home) => {
    const keys = generators.filter(({ entry }) => entry.home === home && entry.witness !== true)
    const count = Math.max(1, Math.min(setup.lanes, keys.length))
    return new HomeLoad({
      home,
      route: new HomeRoute(home, routing, onRedirect),
      lanes: Array.from({ length: count }, (_, lane) => keyLane(keys.filter((_key, index) => index % count === lane))),
      profile,
      rate: setup.rate / homes.length,
    })
  })
  const witnesses = loads.flatMap((load) => {
    const key = generators.find(({ entry }) => entry.witness === true && entry.home === load.home)
    return key ? [{ load, lane: keyLane([key]) }] : []
  })
  return { loads, witnesses, lanes }
}
