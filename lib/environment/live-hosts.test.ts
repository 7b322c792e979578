import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { dcEastWest } from '../../environments/dc-east-west.ts'
import { redact, reveal } from '../core/index.ts'
import { parseHostAddress } from './host-parsers.ts'
import { EnvironmentError, resolveEnvironment } from './index.ts'

const directory = mkdtempSync(join(tmpdir(), 'failover-hosts-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const KEY = `SHA256:${'a'.repeat(43)}`
const keyFile = join(directory, 'key')
writeFileSync(keyFile, '-----BEGIN OPENSSH PRIVATE KEY-----\nnot a real one\n-----END OPENSSH PRIVATE KEY-----\n')

function site(dc: 'EAST' | 'WEST', more: Readonly<Record<string, string>> = {}): Record<string, string> {
  const low = dc.toLowerCase()
  const own = {
    REST_URL: `https://${low}.example.com:9714/streams`,
    DATA_URL: `https://${low}.example.com:9980`,
    USERNAME: 'drill',
    PASSWORD: 'correct horse',
    ...more,
  }
  return Object.fromEntries(Object.entries(own).map(([name, value]) => [`FAILOVER_${dc}_${name}`, value]))
}

const east = {
  HOSTS: 'east-app1=drill@10.1.0.11:2222, east-host=10.1.0.12',
  SSH_USER: 'root',
  SSH_KEY_FILE: keyFile,
  SSH_KEY_PASSPHRASE: 'open sesame',
  SSH_HOST_KEYS: `east-app1=${KEY},east-host=${KEY},jump=${KEY}`,
  SSH_JUMP: 'hop@bastion.example.com',
  SUDO_PASSWORD: 'battery staple',
  HOST_ALIASES: 'east-app1=node7,east-app1=node7.example.com',
  CROSS_DC_ADDRESSES: 'east-host=172.20.1.12,east-host=fd20::12',
  MANAGEMENT_NETWORKS: '10.9.0.0/16,fd09::/48',
  NETWORK_INTERFACE: 'eth1',
  SNAPSHOT_DIR: '/var/lib/snapshots',
  PROMETHEUS_URL: 'https://prometheus.example.com:9090',
}
const west = {
  HOSTS: 'west-host=10.2.0.11',
  SSH_AGENT: '/run/agent.sock',
  SSH_HOST_KEYS: `west-host=${KEY}`,
  CROSS_DC_PORTS: '26000,26001,26002',
}

async function refused(env: Readonly<Record<string, string>>): Promise<string> {
  const options = { target: 'live', file: null, env } as const
  const error: unknown = await resolveEnvironment(dcEastWest, options).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(EnvironmentError)
  return String(error instanceof Error ? error.message : error).replaceAll(directory, '<dir>')
}

describe('the hosts of live sites', () => {
  it('come from variables, with all that faults must know of them, and no secret can be printed', async () => {
    const environment = await resolveEnvironment(dcEastWest, {
      target: 'live',
      file: null,
      env: { ...site('EAST', east), ...site('WEST', west) },
    })
    const [app1, app2, other] = environment.hosts
    expect(app1).toMatchObject({
      name: 'east-app1',
      dc: 'east',
      shell: {
        kind: 'ssh',
        host: '10.1.0.11',
        port: 2222,
        username: 'drill',
        hostKeys: { fingerprints: [KEY] },
        jump: { host: 'bastion.example.com', port: 22, username: 'hop', hostKeys: { fingerprints: [KEY] } },
      },
      aliases: ['node7', 'node7.example.com'],
      addresses: ['10.1.0.11'],
      managementNetworks: ['10.9.0.0/16', 'fd09::/48'],
      networkInterface: 'eth1',
      leaseDirectory: '/var/tmp/failover-leases',
      snapshotDirectory: '/var/lib/snapshots',
    })
    expect(app2).toMatchObject({ shell: { username: 'root', port: 22 }, addresses: ['172.20.1.12', 'fd20::12'] })
    expect(other).toMatchObject({ name: 'west-host', dc: 'west', shell: { agent: '/run/agent.sock' }, aliases: [] })
    expect(app1?.sudo).toBeTypeOf('object')
    const shell = app1?.shell
    expect(shell?.kind === 'ssh' && shell.privateKey && reveal(shell.privateKey)).toContain('OPENSSH PRIVATE KEY')
    const printed = inspect(environment, { depth: 20 }) + JSON.stringify(environment)
    for (const secret of ['open sesame', 'battery staple', 'not a real one']) expect(printed).not.toContain(secret)
    expect(redact('said open sesame, battery staple')).toBe('said [secret], [secret]')
    expect(environment.capabilities).toEqual(expect.arrayContaining(['processes', 'links', 'packets', 'resources']))
    expect(environment.dcs.east.metrics).toEqual({ prometheus: 'https://prometheus.example.com:9090' })
  })

  it('make links to the ports of the toolkit on the hosts that the peer sends to', async () => {
    const { links } = await resolveEnvironment(dcEastWest, {
      target: 'live',
      file: null,
      env: { ...site('EAST', east), ...site('WEST', west) },
    })
    const between = links.filter(({ from }) => from !== 'runner')
    expect(between.map(({ id, host, listenPort }) => `${id} ${host} ${listenPort}`)).toEqual([
      'west-east-heartbeat 172.20.1.12 25091',
      'west-east-snapshot 172.20.1.12 25092',
      'west-east-heartbeat-2 fd20::12 25091',
      'west-east-snapshot-2 fd20::12 25092',
      'east-west-heartbeat 10.2.0.11 26000',
      'east-west-snapshot 10.2.0.11 26001',
      'east-west-snapshot-2 10.2.0.11 26002',
    ])
  })

  it('are not needed, and then nothing is offered that needs them', async () => {
    const env = { ...site('EAST'), ...site('WEST') }
    const environment = await resolveEnvironment(dcEastWest, { target: 'live', file: null, env })
    expect(environment).toMatchObject({ hosts: [], capabilities: ['management', 'data'] })
  })

  it('are refused with everything that is half given, malformed or unknown, at once', async () => {
    writeFileSync(join(directory, 'public'), 'ssh-ed25519 AAAA')
    const message = await refused({
      ...site('EAST', {
        ...east,
        HOSTS: 'east-app1=drill@10.1.0.11:2222,east-app2=10.1.0.12:99999,east-app1=x',
        SSH_KEY_FILE: join(directory, 'public'),
        SSH_HOST_KEYS: 'east-app1=MD5:00',
        MANAGEMENT_NETWORKS: '10.9.0.0',
        SNAPSHOT_DIR: 'snapshots',
        SUDO: 'perhaps',
      }),
      ...site('WEST', {
        HOSTS: 'west-app1=10.2.0.11',
        SSH_HOST_KEYS: `west-ap1=${KEY}`,
        HOST_ALIASES: 'west-app2=a',
        CROSS_DC_ADDRESSES: 'west-app1=no-such-name.invalid',
        SSH_KEY_PASSPHRASE: 'open sesame',
        CROSS_DC_PORTS: '25091,x',
      }),
      FAILOVER_RTO: '30',
      FAILOVER_ALLOW: 'process,everything',
    })
    expect(message).not.toContain('open sesame')
    for (const said of [
      'dcs.east.hosts (FAILOVER_EAST_HOSTS, from the process environment): "10.1.0.12:99999" of east-app2 is not user@address:port',
      'east-app1 is there twice',
      'FAILOVER_EAST_SSH_KEY_FILE, from the process environment): the file holds no private key',
      '"MD5:00" of east-app1 is not SHA256:… (ssh-keygen -lf)',
      '"10.9.0.0" is not a network, as 10.9.0.0/16',
      'FAILOVER_EAST_SNAPSHOT_DIR, from the process environment): is not an absolute path',
      'FAILOVER_EAST_SUDO, from the process environment): is neither true nor false',
      'there is no host "west-ap1". The hosts are west-app1. Did you mean west-app1?',
      'there is no host "west-app2"',
      'no host key of west-app1 is given, and unknown hosts are refused. Set FAILOVER_WEST_SSH_HOST_KEYS=west-app1=SHA256:…',
      'FAILOVER_WEST_SSH_KEY_FILE): is not set, and neither is an agent or a password, but FAILOVER_WEST_HOSTS is',
      'FAILOVER_WEST_SSH_KEY_PASSPHRASE, from the process environment): is set, but FAILOVER_WEST_SSH_KEY_FILE is not, without which it means nothing',
      'dcs.west.links.listenPort (FAILOVER_WEST_CROSS_DC_PORTS, from the process environment): "x" is not a port',
      'objectives.rto (FAILOVER_RTO, from the process environment): "30" is not a duration: write a number with ms, s, m or h, as in 30s',
      'safety.allow (FAILOVER_ALLOW, from the process environment): is not made of process, link, job, host, instance, data-center',
    ]) {
      expect(message).toContain(said)
    }
  })

  it('need addresses that this machine can resolve, and names of their own', async () => {
    const unresolved = await refused({
      ...site('EAST', { ...east, CROSS_DC_ADDRESSES: 'east-app1=no-such-name.invalid' }),
      ...site('WEST', { ...west, HOSTS: 'east-host=10.2.0.11', SSH_HOST_KEYS: `east-host=${KEY}` }),
    })
    expect(unresolved).toContain('no-such-name.invalid cannot be resolved on this machine')
    expect(unresolved).toContain('FAILOVER_EAST_CROSS_DC_ADDRESSES=east-app1=…')
    expect(unresolved).toContain('both data centres have a host east-host')
  })

  it('mean nothing without HOSTS', async () => {
    const message = await refused({ ...site('EAST', { SSH_USER: 'root' }), ...site('WEST') })
    expect(message).toContain(
      'FAILOVER_EAST_SSH_USER, from the process environment): is set, but FAILOVER_EAST_HOSTS is not',
    )
  })
})

describe('what holds for live sites as a pair', () => {
  it('is laid over what the environment declares, and only for sites', async () => {
    const env = {
      ...site('EAST'),
      ...site('WEST'),
      FAILOVER_RTO: '3m',
      FAILOVER_RPO_TUPLES: '7',
      FAILOVER_ALLOW: 'process, link',
      FAILOVER_MAX_FAULTS: '2',
      FAILOVER_LEASE_TTL: '30s',
      FAILOVER_PRODUCTION: 'yes',
    }
    const { objectives, safety } = await resolveEnvironment(dcEastWest, { target: 'live', file: null, env })
    expect(objectives).toEqual({ rto: '3m', rpo: { tuples: 7, stateAge: '10s' }, rejoin: '2m' })
    expect(safety).toMatchObject({ allow: ['process', 'link'], maxFaults: 2, leaseTtl: '30s', production: true })
  })
})

describe('parseHostAddress', () => {
  it.each([
    ['10.1.0.11', { address: '10.1.0.11' }],
    ['drill@app:2222', { address: 'app', user: 'drill', port: 2222 }],
    ['fd00::1', { address: 'fd00::1' }],
    ['root@[fd00::1]:22', { address: 'fd00::1', user: 'root', port: 22 }],
    ['app:0', undefined],
    ['a b', undefined],
    ['root@', undefined],
    ['app:22:33', undefined],
  ])('%s', (text, parsed) => expect(parseHostAddress(text)).toEqual(parsed))
})
