import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../lib/core/index.ts'
import { sweep } from '../../lib/faults/index.ts'
import { localShell } from '../../lib/hosts/index.ts'
import { runDrills } from './run-drills.ts'

/** A drill that breaks a data centre, says where its lab and its leases are, and then waits for what never comes. */
const SPEC = {
  'a.spec.ts': `
import { writeFileSync } from 'node:fs'
import { dataCenterCrash, peHang } from '../../../lib/faults/index.ts'
import { describe, it } from '../../../fixtures/index.ts'

describe('a drill that is cut short', () => {
  it('first', async ({ dc, environment, traffic, faults, failover }) => {
    const run = await traffic.start({ rate: 100 })
    await run.steady({ for: '200ms' })
    await faults.inject(process.env.BREAK === 'hang' ? peHang(dc.victim, { operator: 'Logic' }) : dataCenterCrash(dc.victim))
    writeFileSync('lab.json', JSON.stringify({ lab: environment.lab.directory, leases: environment.leaseDirectory }))
    writeFileSync('fault-on', String(process.pid))
    await failover.remains('never-seen', { for: '60s' })
  })
  it('second', async ({ dc, faults }) => {
    writeFileSync('second-ran', '')
    await faults.inject(dataCenterCrash(dc.victim))
  })
})`,
}

interface Left {
  readonly lab: string
  readonly leases: string
}

/** Processes whose command line or environment names the lab's directory. */
function processesOf(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) => {
      try {
        const text = execFileSync('cat', [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'ignore'],
        })
        return text.includes(directory) ? [`${pid} ${text.split('\0').slice(0, 3).join(' ')}`] : []
      } catch {
        return []
      }
    })
}

async function nothingIsLeft({ lab, leases }: Left): Promise<void> {
  await eventually(
    async () => {
      const alive = processesOf(lab)
      if (alive.length > 0) return { done: false, seen: alive.join('; ') }
      return existsSync(lab) ? { done: false, seen: `${lab} is there` } : { done: true, value: undefined }
    },
    { within: '40s', every: '100ms', describe: 'every process of the lab to end, and its directory to go' },
  )
  await using shell = localShell()
  expect(await sweep(leases, { shell })).toEqual([])
}

const left = (run: { read(file: string): string | undefined }): Left => JSON.parse(run.read('lab.json') ?? '{}') as Left

describe.runIf(process.platform === 'linux')('a drill that is cut short during a fault', { timeout: 120_000 }, () => {
  for (const [signal, to, exitCode, broken] of [
    ['SIGINT', 'runner', 130, 'crash'],
    ['SIGINT', 'group', 130, 'hang'],
    ['SIGTERM', 'runner', 143, 'hang'],
  ] as const) {
    it(`by ${signal} to the ${to}: heals (${broken}), leaves nothing, says interrupted`, async () => {
      using run = await runDrills(SPEC, { env: { BREAK: broken }, signalAfter: [{ file: 'fault-on', signal, to }] })
      expect(run.exitCode, run.output).toBe(exitCode)
      expect(run.read('second-ran')).toBeUndefined()
      await nothingIsLeft(left(run))
      expect(run.report?.verdict).toBe('inconclusive')
      expect(run.report?.problems.join()).toContain(`interrupted: ${signal}`)
      expect(run.report?.drills[0]?.faults[0]?.healed, run.output).not.toBeNull()
    })
  }

  it('by SIGKILL of the worker: leaves nothing, and the run is inconclusive', async () => {
    using run = await runDrills(SPEC, {
      env: { BREAK: 'hang' },
      signalAfter: [{ file: 'fault-on', signal: 'SIGKILL', to: 'worker' }],
    })
    expect(run.exitCode, run.output).not.toBe(0)
    await nothingIsLeft(left(run))
    expect(run.report?.verdict).toBe('inconclusive')
    expect(run.report?.drills[0]).toMatchObject({ verdict: 'inconclusive' })
  })

  it('by SIGKILL of the runner: the worker heals and goes, the lab with it', async () => {
    using run = await runDrills(SPEC, {
      env: { BREAK: 'hang' },
      signalAfter: [{ file: 'fault-on', signal: 'SIGKILL', to: 'runner' }],
      killAfterwards: false,
    })
    expect(run.signal).toBe('SIGKILL')
    await nothingIsLeft(left(run))
    expect(run.read('second-ran')).toBeUndefined()
    const [drill] = readdirSync(join(run.directory, '.failover/latest')).filter((name) => name.includes('first'))
    expect(run.read(`.failover/latest/${drill}/history.jsonl`)).toContain('"interrupted"')
  })
})
