import { now } from '../core/index.ts'
import { endpointFinder } from './endpoint-finder.ts'
import { TrafficError } from './errors.ts'
import { runTag } from './generator.ts'
import { keysOf } from './keys.ts'
import type { TapsSetup } from './messages.ts'
import { Run } from './run.ts'
import { runSettings } from './settings.ts'
import type { Traffic, TrafficOptions } from './types.ts'

/**
 * Opens the traffic of a drill. Nothing is sent, and no connection made, before `start`.
 * @example
 * await using traffic = openTraffic({ dcs, recorder, seed: 1 })
 * const run = await traffic.start({ rate: 200 })
 * await run.steady({ for: '2s' })
 * await run.stop()
 */
export function openTraffic(options: TrafficOptions): Traffic {
  const finders = { east: endpointFinder(options.dcs.east), west: endpointFinder(options.dcs.west) }
  const earlierKeys: TapsSetup['keys'][number][] = []
  let numbers = { nextSeq: 1, nextBatch: 1 }
  let runs = 0
  let current: Run | undefined

  return {
    get current() {
      return current
    },
    async start(start) {
      if (current && !current.ended) {
        throw new TrafficError('Traffic runs already.', { remedy: 'Stop the run before you start another.' })
      }
      const settings = runSettings(options, start)
      const { homes, witness } = settings
      // Fresh keys for each run: the application goes on counting under those of the last.
      const tag = runTag(options.seed, Math.floor(now() * 1000) + runs++)
      const keys = keysOf({ homes, count: settings.keys, tag, witness })
      const run = new Run({
        options,
        start,
        settings,
        finders,
        keys,
        earlierKeys: [...earlierKeys],
        firstSeq: numbers.nextSeq,
        firstBatch: numbers.nextBatch,
        onKeys: (first) => {
          for (const [place, entry] of keys.entries()) earlierKeys.push({ entry, index: first + place, current: false })
        },
        onDrained: (end) => (numbers = end),
      })
      current = run
      await run.begin()
      return run
    },
    async [Symbol.asyncDispose]() {
      await current?.[Symbol.asyncDispose]()
      await Promise.all([finders.east[Symbol.asyncDispose](), finders.west[Symbol.asyncDispose]()])
    },
  }
}
