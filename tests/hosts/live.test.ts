import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dcEastWest } from '../../environments/dc-east-west.ts'
import { reveal } from '../../lib/core/index.ts'
import { resolveEnvironment, VARIABLES, type ResolvedEnvironment } from '../../lib/environment/index.ts'
import { formatConfigurationFile } from '../../lib/toolkit/index.ts'
import { runDrills } from '../self/run-drills.ts'
import { needsBed } from './beds/need.ts'

/** All that the drills are told of the sites is what stands in `.env`, as their owner would write it. */
const directory = mkdtempSync(join(tmpdir(), 'failover-as-live-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}

/** The text of `.env` for a container lab that is taken for two live sites. */
function dotenv(lab: ResolvedEnvironment): string {
  const values: Record<string, string> = {
    FAILOVER_TARGET: 'live',
    FAILOVER_LEASE_DIR: join(directory, 'leases'),
    FAILOVER_RESTORE: 'restart',
  }
  for (const dc of ['east', 'west'] as const) {
    const { management, data, instance, domain, application, power } = lab.dcs[dc]
    const [host] = lab.hosts.filter((candidate) => candidate.dc === dc)
    if (host?.shell.kind !== 'ssh' || !host.shell.privateKey) throw new Error(`${dc} has no host with a key`)
    const { shell } = host
    const configFile = application.parameters['configFileName'] ?? ''
    const own: Record<string, string> = {
      REST_URL: management.url,
      DATA_URL: data.url,
      USERNAME: management.username,
      PASSWORD: reveal(management.password),
      CA_FILE: file(`${dc}-ca.pem`, management.tls.ca ?? ''),
      INSTANCE: instance,
      DOMAIN: domain ?? '',
      JOB: application.job,
      BUNDLE: application.bundle,
      CONFIG_FILE: configFile,
      TOOLKIT_FILE: file(
        `${dc}-toolkit.txt`,
        formatConfigurationFile({ ...dcEastWest.toolkit.both, ...dcEastWest.toolkit[dc] }),
      ),
      POWER_OFF: JSON.stringify(power?.off),
      POWER_ON: JSON.stringify(power?.on),
      HOSTS: `${host.name}=${shell.username}@${shell.host}:${shell.port}`,
      SSH_KEY_FILE: file(`${dc}-key`, reveal(shell.privateKey ?? lab.dcs[dc].management.password)),
      SSH_HOST_KEYS: `${host.name}=${shell.hostKeys.fingerprints?.[0]}`,
      CROSS_DC_ADDRESSES: `${host.name}=${host.addresses[0]}`,
      SNAPSHOT_DIR: host.snapshotDirectory ?? '',
    }
    for (const [name, value] of Object.entries(own)) values[`FAILOVER_${dc.toUpperCase()}_${name}`] = value
  }
  return Object.entries(values)
    .map(([name, value]) => `${name}='${value}'\n`)
    .join('')
}

describe('a container lab, taken for two live sites', () => {
  // Seconds are real, as those of sites are.
  const lab = needsBed('docker', () =>
    resolveEnvironment(dcEastWest, { target: 'containers', timeScale: 1, env: {}, file: null }),
  )
  let text = ''
  beforeAll(() => {
    text = dotenv(lab())
  })

  it('is described by variables of the table alone', () => {
    const known = VARIABLES.map(({ name }) => name)
    for (const line of text.trim().split('\n')) {
      const name = line.slice(0, line.indexOf('='))
      expect(known).toContain(name.replace(/^FAILOVER_(EAST|WEST)_/, ''))
    }
  })

  it(
    'passes drills through .env alone: a crash, and a partition by the kernels of its hosts',
    { timeout: 400_000 },
    async () => {
      using run = await runDrills(['data-center-crash.spec.ts', 'network-partition.spec.ts'], {
        files: { '.env': text },
        env: { FAILOVER_TARGET: 'live' },
        within: '360s',
      })
      expect(run.exitCode, run.output).toBe(0)
      expect(run.report).toMatchObject({ verdict: 'pass', target: 'live' })
      expect(run.output).toContain('target: live sites')
      const secret = reveal(lab().dcs.east.management.password)
      expect(run.output + (run.reportText ?? '')).not.toContain(secret)
    },
  )

  it('is refused to a second run while a first one has it, which is named; or lets it wait', async () => {
    const [on, end] = [join(directory, 'on'), join(directory, 'end')]
    const files = { '.env': text }
    const env = { FAILOVER_TARGET: 'live' }
    const first = runDrills({ 'a.spec.ts': holdingUntil(on, end) }, { files, env, within: '280s' })
    try {
      await expect.poll(() => existsSync(on), { timeout: 60_000 }).toBe(true)
      const holder = readFileSync(on, 'utf8')

      using refused = await runDrills(['pe-kill.spec.ts'], { files, env, within: '60s' })
      expect(refused.exitCode).toBe(1)
      expect(refused.output).toMatch(new RegExp(`dc-east-west is locked by \\S+@\\S+ .*${holder}`))

      using waited = await runDrills(['pe-kill.spec.ts'], {
        files,
        env: { ...env, FAILOVER_LOCK_WAIT: '2m' },
        within: '200s',
        onOutput: (output) => {
          if (output.includes('dc-east-west: waiting for its lock, which ')) writeFileSync(end, '')
        },
      })
      expect(waited.output).toMatch(new RegExp(`waiting for its lock, which \\S+@\\S+ .*${holder}.* has held since`))
      expect(waited.exitCode, waited.output).toBe(0)
    } finally {
      writeFileSync(end, '')
      using held = await first
      expect(held.output).toContain('target: live sites')
    }
  }, 300_000)
})

/** A spec that says which run it is of, and then keeps that run going until it is let. */
function holdingUntil(on: string, end: string): string {
  return `
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { expect, inject } from 'vitest'
import { describe, it } from '../../../fixtures/index.ts'

describe('a run', () => {
  it('goes on', async ({ environment }) => {
    expect(environment.target).toBe('live')
    writeFileSync(${JSON.stringify(`${on}.new`)}, inject('failoverRun').id)
    renameSync(${JSON.stringify(`${on}.new`)}, ${JSON.stringify(on)})
    await expect.poll(() => existsSync(${JSON.stringify(end)}), { timeout: 250_000 }).toBe(true)
  })
})`
}
