/**
 * `npm run bench [name…]`: prints JSON Lines, one per figure, and ends with 1 if an aim was not met. `BENCH_EFFORT=ci` takes
 * smaller samples, and ends with 1 only if a benchmark could not be run: figures of a machine that others use, too, are to be read,
 * not to decide.
 */
import { checkHistoryBench } from './check-history.ts'
import { faultRoundTripsBench } from './fault-round-trips.ts'
import { injectionBench } from './injection.ts'
import type { BenchLine } from './line.ts'
import { rtoCoverageBench } from './rto-coverage.ts'

const benches: Readonly<Record<string, () => Promise<readonly BenchLine[]>>> = {
  injection: injectionBench,
  'check-history': checkHistoryBench,
  'rto-coverage': rtoCoverageBench,
  'fault-round-trips': faultRoundTripsBench,
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in benches))
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.`)
  process.exit(2)
}

let missed = 0
for (const [name, bench] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  process.stderr.write(`bench ${name} …\n`)
  for (const line of await bench()) {
    if (!line.met) missed++
    console.log(JSON.stringify(line))
  }
}
process.exit(missed === 0 || process.env['BENCH_EFFORT'] === 'ci' ? 0 : 1)
