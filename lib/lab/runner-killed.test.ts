import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { dcEastWest } from '../../environments/dc-east-west.ts'
import { eventually, now, reveal } from '../core/index.ts'
import { resolveEnvironment } from '../environment/index.ts'
import { sweep } from '../faults/index.ts'
import { localShell } from '../hosts/index.ts'
import { openManagement } from '../streams/index.ts'

it('heals a partition, a cancelled job and a hanging PE when the runner that injected them is killed', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'failover-killed-'))
  const environment = await resolveEnvironment(dcEastWest, { env: {}, file: null })
  const { management, application } = environment.dcs.east
  const west = environment.dcs.west
  const open = (dc: 'east' | 'west') => {
    const { url, username, password, tls } = environment.dcs[dc].management
    return openManagement({ dc, url, tls, credentials: { username, password }, instance: environment.dcs[dc].instance })
  }
  const clients = { east: open('east'), west: open('west') }
  const shell = localShell()
  try {
    const order = {
      environment: { ...environment, safety: { ...environment.safety, maxFaults: 3 } },
      password: { east: reveal(management.password), west: reveal(west.management.password) },
      ttl: '3s',
    }
    const file = join(directory, 'order.json')
    writeFileSync(file, JSON.stringify(order), { mode: 0o600 })
    const program = join(import.meta.dirname, '../faults/fault-holder.test.main.ts')
    const runTs = join(import.meta.dirname, '../../scripts/run-ts.mjs')
    const runner = spawn(process.execPath, [runTs, program, file], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    let said = ''
    runner.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await eventually(
      async () => {
        if (runner.exitCode !== null) throw new Error(`the runner ended with ${runner.exitCode}`)
        return said.includes('all faults are on') ? { done: true, value: true } : { done: false, seen: said }
      },
      { within: '30s', every: '20ms', describe: 'all faults to be on' },
    )
    const jobBefore = await clients.east.findJob(application.job)
    expect(jobBefore).toBeUndefined()
    expect(readdirSync(environment.leaseDirectory)).toHaveLength(3)
    const hanging = (await clients.west.pes()).find(({ processId }) => stateOf(processId) === 'T')
    expect(hanging).toBeDefined()

    process.kill(-(runner.pid ?? Number.NaN), 'SIGKILL')
    const killed = now()
    const undone = await eventually(
      async () => {
        const open = readdirSync(environment.leaseDirectory).filter(
          (id) => !existsSync(join(environment.leaseDirectory, id, 'undone')),
        )
        return open.length === 0 ? { done: true, value: now() } : { done: false, seen: open.join(', ') }
      },
      { within: '30s', every: '20ms', describe: 'the host to undo everything' },
    )
    // Within the time to live for what is instant; the job needs the time that its submission takes.
    expect(undone.value - killed).toBeLessThan(25_000)
    expect(stateOf(hanging?.processId)).not.toBe('T')
    const job = await clients.east.findJob(application.job)
    expect(job?.health).toBe('healthy')
    const links = await shell.run([...(environment.lab?.control ?? []), 'links', 'show'], { within: '10s' })
    for (const link of JSON.parse(links.stdout) as { faults: string[] }[]) expect(link.faults).toEqual([])
    // No credentials are left, and the sweep finds nothing to undo.
    const left = readdirSync(environment.leaseDirectory, { recursive: true }).map(String)
    expect(left.filter((path) => path.includes('file.'))).toEqual([])
    const swept = await sweep(environment.leaseDirectory, { shell })
    expect(swept.map(({ state }) => state)).toEqual(['removed', 'removed', 'removed'])
  } finally {
    await clients.east[Symbol.asyncDispose]()
    await clients.west[Symbol.asyncDispose]()
    await environment[Symbol.asyncDispose]()
    rmSync(directory, { recursive: true, force: true })
  }
})

function stateOf(pid: string | null | undefined): string | undefined {
  if (!pid || !existsSync(`/proc/${pid}/stat`)) return undefined
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[0]
}
