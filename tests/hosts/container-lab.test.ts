import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { dcEastWest } from '../../environments/dc-east-west.ts'
import { eventually, now } from '../../lib/core/index.ts'
import { preflight, PreflightError, resolveEnvironment, type ResolvedEnvironment } from '../../lib/environment/index.ts'
import { readTruth } from '../../lib/history/index.ts'
import { openShells } from '../../lib/hosts/index.ts'
import { openManagement } from '../../lib/streams/index.ts'
import { needs, needsBed } from './beds/need.ts'

const run = promisify(execFile)
const LABEL = 'streams-failover.lab'

async function partsOf(id: string): Promise<string[]> {
  const filter = ['--filter', `label=${LABEL}=${id}`, '-q']
  const said = await Promise.all([
    run('docker', ['ps', '-a', ...filter]),
    run('docker', ['network', 'ls', ...filter]),
    run('docker', ['volume', 'ls', ...filter]),
  ])
  return said.flatMap(({ stdout }) => stdout.split('\n').filter(Boolean))
}

function managementOf(environment: ResolvedEnvironment, dc: 'east' | 'west') {
  const { management, instance } = environment.dcs[dc]
  const { url, username, password, tls } = management
  return openManagement({ dc, url, tls, instance, credentials: { username, password } })
}

describe('a container lab', () => {
  const lab = needsBed('docker', () => resolveEnvironment(dcEastWest, { target: 'containers', env: {}, file: null }))

  it('is fit for drills, by the same preflight as live sites', async () => {
    await expect(preflight(lab())).resolves.toEqual([])
    expect(lab()).toMatchObject({ target: 'containers', capabilities: expect.arrayContaining(['packets', 'power']) })
  })

  it('has real hosts: the data centres meet through a router, on the documented ports, and never on the way of SSH', async () => {
    const shells = openShells(lab().hosts)
    try {
      for (const host of lab().hosts) {
        const shell = shells.byName[host.name]
        const peer = lab().hosts.find(({ dc }) => dc !== host.dc)
        const address = peer?.addresses[0] ?? ''
        const said = await shell?.run(
          {
            script: 'hostname; ip -o route get "$1"; getent hosts "$2"; printf "%s\n" "$SSH_CONNECTION"',
            args: [address, peer?.name ?? ''],
          },
          { within: '10s' },
        )
        const [name = '', route = '', resolved = '', connection = ''] = said?.stdout.split('\n') ?? []
        expect(name).toBe(host.name)
        expect(route).toMatch(/ via 198\.1[89]\./)
        expect(resolved).toContain(address)
        // Over Docker's own bridge, a management network.
        expect(connection).toMatch(/^172\.|^10\.|^192\.168\./)
        const heartbeat = lab().links.find(({ from, port }) => from === host.dc && port === 'heartbeat')
        const socket = await shell?.connect({ host: address, port: heartbeat?.listenPort ?? 0 }, { within: '10s' })
        socket?.destroy()
      }
    } finally {
      await shells[Symbol.asyncDispose]()
    }
  })

  it('keeps its disk over a loss of power and comes back by itself, with the truth written down', async () => {
    const { power } = lab().dcs.east
    const management = managementOf(lab(), 'east')
    const shells = openShells(lab().hosts)
    const [host] = lab().hosts.filter(({ dc }) => dc === 'east')
    try {
      const before = await management.findJob('failover-app')
      const mark = {
        script: 'echo kept >/var/lib/failover/disk/mark; echo kept >"$1/mark"',
        args: [host?.snapshotDirectory ?? ''],
      }
      await shells.byName['east-host']?.run(mark, { within: '10s' })

      const [off = '', ...offArguments] = power?.off ?? []
      const from = now()
      const said = JSON.parse((await run(off, offArguments)).stdout) as { offBetween: [number, number] }
      const [earliest, latest] = said.offBetween
      expect(earliest).toBeGreaterThanOrEqual(from)
      expect(latest).toBeLessThanOrEqual(now())
      expect(JSON.parse((await run(off, offArguments)).stdout), 'off is off').toMatchObject({ offBetween: null })
      await expect(management.root({ attempts: 1 })).rejects.toThrow()

      const [on = '', ...onArguments] = power?.on ?? []
      await run(on, onArguments)
      await run(on, onArguments)
      await eventually(
        async () => {
          const job = await management.findJob('failover-app').catch(() => undefined)
          return job?.health === 'healthy'
            ? { done: true, value: job }
            : { done: false, seen: job?.health ?? 'nothing' }
        },
        { within: '60s', every: '100ms', describe: 'the job to come back' },
      )
      expect((await management.findJob('failover-app'))?.id).toBe(before?.id)
      const read = { script: 'cat /var/lib/failover/disk/mark "$1/mark"', args: [host?.snapshotDirectory ?? ''] }
      expect((await shells.byName['east-host']?.run(read, { within: '20s' }))?.stdout).toBe('kept\nkept\n')
      const truth = readTruth(lab().labFacts?.truthFile ?? '')
      expect(truth.find(({ event }) => event === 'power-off')).toMatchObject({ dc: 'east', between: said.offBetween })
      expect(truth.filter(({ event, dc }) => event === 'power-on' && dc === 'east')).toHaveLength(2)
    } finally {
      await management[Symbol.asyncDispose]()
      await shells[Symbol.asyncDispose]()
    }
  })

  it('is refused by the preflight where a host is not what was pinned, or cannot be entered', async () => {
    const [east, west] = lab().hosts
    if (!east || !west || east.shell.kind !== 'ssh' || west.shell.kind !== 'ssh') throw new Error('there are two hosts')
    const wrong: ResolvedEnvironment = {
      ...lab(),
      hosts: [
        { ...east, shell: { ...east.shell, hostKeys: { fingerprints: [`SHA256:${'x'.repeat(43)}`] } } },
        { ...west, shell: { ...west.shell, username: 'nobody' }, leaseDirectory: '/proc/leases' },
      ],
    }
    const error: unknown = await preflight(wrong).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(PreflightError)
    const kinds = error instanceof PreflightError ? error.problems.map(({ kind, dc }) => `${dc} ${kind}`) : []
    expect(kinds).toEqual(['east host-key', 'west host-login'])

    const unfit: ResolvedEnvironment = {
      ...lab(),
      hosts: [
        { ...east, addresses: ['203.0.113.1'] },
        { ...west, leaseDirectory: '/proc/leases' },
      ],
    }
    await expect(preflight(unfit)).rejects.toThrow(/lease directory \/proc\/leases cannot be written to/)
    await expect(preflight(unfit)).rejects.toThrow(/east-host, to which the toolkit of west sends, is 198\.18/)
  })
})

describe('the end of a container lab', () => {
  needs('docker')

  it('leaves nothing, even if the runner was killed', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'failover-killed-'))
    const root = resolve(import.meta.dirname, '../..')
    const program = [join(root, 'scripts/run-ts.mjs'), join(import.meta.dirname, 'container-lab-holder.main.ts')]
    const runner = spawn(process.execPath, [...program, join(directory, 'lab')], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    })
    let said = ''
    runner.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    try {
      const { value: id } = await eventually(
        async () => {
          if (runner.exitCode !== null) throw new Error(`the runner ended with ${runner.exitCode}`)
          return said.endsWith('}\n')
            ? { done: true, value: (JSON.parse(said) as { id: string }).id }
            : { done: false, seen: said }
        },
        { within: '90s', every: '50ms', describe: 'the lab to be up' },
      )
      expect((await partsOf(id)).length).toBe(7)
      process.kill(-(runner.pid ?? Number.NaN), 'SIGKILL')
      await eventually(
        async () => {
          const left = await partsOf(id)
          return left.length === 0 && !existsSync(join(directory, 'lab'))
            ? { done: true, value: true }
            : { done: false, seen: left.join(', ') }
        },
        { within: '30s', every: '100ms', describe: 'containers, networks and volumes to be gone' },
      )
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
