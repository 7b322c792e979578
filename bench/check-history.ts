import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { bundleProgram } from '../lib/bundle/index.ts'
import type { BenchLine } from './line.ts'

/** A tuple takes 80 bytes: one record where it was sent, one where it was seen; outcomes and polls are few. */
const BYTES_PER_TUPLE = 90

const planted = z.object({ tuples: z.number(), lost: z.number(), repeated: z.number(), reordered: z.number() })
const checked = z.object({
  ms: z.number(),
  cpuMs: z.number(),
  growthMb: z.number(),
  lost: z.number(),
  repeated: z.number(),
  reordered: z.number(),
  wrong: z.literal(0),
})
const readOnly = z.object({ cpuMs: z.number(), bytes: z.number() })

/**
 * How fast a stored history with gaps, repeats and disorder is read and checked, how much memory that takes, and whether twice
 * the history takes twice the time. Each measurement is the best of several in processes of their own; speed is by processor time (garbage
 * collection included), so that it is that of one core also on a busy machine. `BENCH_EFFORT=ci` takes 4 million instead of 10.
 * @throws Error if the disk is too small, or the checkers do not find exactly what was planted
 */
export async function checkHistoryBench(): Promise<BenchLine[]> {
  const tuples = process.env['BENCH_EFFORT'] === 'ci' ? 4_000_000 : 10_000_000
  const directory = mkdtempSync(join(tmpdir(), 'failover-bench-'))
  try {
    const { bavail, bsize } = statfsSync(directory)
    if (bavail * bsize < 2 * tuples * BYTES_PER_TUPLE * 2) {
      throw new Error(`The benchmark needs ${Math.round((4 * tuples * BYTES_PER_TUPLE) / 1e9)} GB below ${tmpdir()}.`)
    }
    const once = await measure(join(directory, 'once'), tuples)
    const twice = await measure(join(directory, 'twice'), 2 * tuples)
    return lines(tuples, once, twice)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

interface Measured {
  readonly check: z.infer<typeof checked>
  readonly read: z.infer<typeof readOnly>
}

function lines(tuples: number, once: Measured, twice: Measured): BenchLine[] {
  const size = `${tuples / 1e6} million tuples with gaps, repeats and disorder`
  const perSecond = (tuples / once.check.cpuMs) * 1000
  const growth = Math.max(once.check.growthMb, twice.check.growthMb)
  const linear = twice.check.cpuMs / once.check.cpuMs
  return [
    {
      name: 'check-history speed',
      value: Math.round(perSecond),
      unit: 'tuples per second of one core',
      against: size,
      aim: '≥ 3,000,000',
      met: perSecond >= 3_000_000,
    },
    {
      name: 'check-history against a plain read',
      ratio: round(once.read.cpuMs / once.check.cpuMs),
      against: `reading the same ${Math.round(once.read.bytes / 1e6)} MB from the cache without looking at them`,
      met: true,
    },
    {
      name: 'check-history elapsed',
      value: round(once.check.ms / 1000),
      unit: 's',
      against: size,
      met: true,
    },
    {
      name: 'check-history memory',
      value: round(growth),
      unit: 'MB of resident memory beyond that before',
      against: `the larger of ${tuples / 1e6} and ${(2 * tuples) / 1e6} million tuples`,
      aim: '≤ 128',
      met: growth <= 128,
    },
    {
      name: 'check-history linearity',
      ratio: round(linear),
      against: `time for ${tuples / 1e6} million, that for ${(2 * tuples) / 1e6} million divided by it`,
      aim: '≤ 2.2',
      met: linear <= 2.2,
    },
  ]
}

async function measure(directory: string, tuples: number): Promise<Measured> {
  const made = planted.parse(await run('generate', directory, String(tuples)))
  const reads: Measured['read'][] = []
  const checks: Measured['check'][] = []
  for (let i = 0; i < 3; i++) {
    reads.push(readOnly.parse(await run('read', directory)))
    const check = checked.parse(await run('check', directory))
    for (const what of ['lost', 'repeated', 'reordered'] as const) {
      if (check[what] !== made[what]) throw new Error(`${made[what]} tuples were ${what}, ${check[what]} were found.`)
    }
    checks.push(check)
  }
  rmSync(directory, { recursive: true })
  return {
    read: reads.reduce((a, b) => (a.cpuMs < b.cpuMs ? a : b)),
    // The best time, since whatever disturbs only adds; the most memory.
    check: {
      ...checks.reduce((a, b) => (a.cpuMs < b.cpuMs ? a : b)),
      growthMb: Math.max(...checks.map(({ growthMb }) => growthMb)),
    },
  }
}

async function run(...args: readonly string[]): Promise<unknown> {
  const program = await bundleProgram(join(import.meta.dirname, 'check-history.main.ts'))
  const { stdout } = await promisify(execFile)(process.execPath, [program, ...args])
  return JSON.parse(stdout)
}

const round = (value: number): number => Math.round(value * 100) / 100
