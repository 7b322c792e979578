import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, describe, expect, it } from 'vitest'
import { dcEastWest } from '../../environments/dc-east-west.ts'
import { redact } from '../core/index.ts'
import {
  applyRunVariables,
  describeTarget,
  EnvironmentError,
  resolveEnvironment,
  targetOf,
  type ResolveOptions,
} from './index.ts'

const directory = mkdtempSync(join(tmpdir(), 'failover-env-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let count = 0
function file(content: string): string {
  const path = join(directory, `file-${++count}`)
  writeFileSync(path, content)
  return path
}

const complete = {
  FAILOVER_TARGET: 'live',
  FAILOVER_EAST_REST_URL: 'https://east.example.com:9714/streams/',
  FAILOVER_EAST_DATA_URL: 'https://east.example.com:9980',
  FAILOVER_EAST_USERNAME: 'drill',
  FAILOVER_EAST_PASSWORD: 'correct horse east',
  FAILOVER_WEST_REST_URL: 'https://west.example.com:9714/streams',
  FAILOVER_WEST_DATA_URL: 'https://west.example.com:9980',
  FAILOVER_WEST_USERNAME: 'drill',
  FAILOVER_WEST_PASSWORD: 'correct horse west',
}

async function refused(options: ResolveOptions): Promise<string> {
  const error: unknown = await resolveEnvironment(dcEastWest, options).catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(EnvironmentError)
  return String(error instanceof Error ? error.message : error).replaceAll(directory, '<dir>')
}

describe('live sites', () => {
  it('are resolved from variables and files', async () => {
    const ca = file('-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n')
    const toolkit = file('localDataCenterName=dc1\nheartbeatExchangeInterval=30\n')
    const environment = await resolveEnvironment(dcEastWest, {
      file: null,
      env: {
        ...complete,
        FAILOVER_EAST_CA_FILE: ca,
        FAILOVER_EAST_TLS_VERIFY: 'no',
        FAILOVER_EAST_TOOLKIT_FILE: toolkit,
        FAILOVER_EAST_CONFIG_FILE: '/opt/crossdc.txt',
        FAILOVER_EAST_POWER_OFF: '["ipmi", "a b", "off"]',
        FAILOVER_EAST_POWER_ON: '["ipmi", "a b", "on"]',
        FAILOVER_WEST_LABEL: 'Dublin',
        FAILOVER_LEASE_DIR: directory,
      },
    })
    expect(environment).toMatchObject({
      target: 'live',
      timeScale: 1,
      objectives: { rto: '15s' },
      capabilities: ['management', 'data'],
      leaseDirectory: directory,
      links: [
        { id: 'runner-east-management', from: 'runner', host: 'east.example.com', listenPort: 9714 },
        { id: 'runner-east-data', port: 'data', listenPort: 9980 },
        { id: 'runner-west-management', to: 'west' },
        { id: 'runner-west-data', to: 'west' },
      ],
      dcs: {
        east: {
          management: {
            url: 'https://east.example.com:9714/streams',
            username: 'drill',
            tls: { rejectUnauthorized: false },
          },
          instance: 'StreamsInstance',
          application: { job: 'failover-app', parameters: { configFileName: '/opt/crossdc.txt' } },
          power: { off: ['ipmi', 'a b', 'off'] },
        },
        west: { label: 'Dublin' },
      },
      toolkit: { east: { heartbeatExchangeInterval: 30 }, west: { heartbeatExchangeInterval: 1 } },
    })
    expect(environment.dcs.east.management.tls.ca).toContain('BEGIN CERTIFICATE')
    const printed = inspect(environment, { depth: 20 }) + JSON.stringify(environment)
    expect(printed).not.toContain('correct horse')
    expect(redact('Basic correct horse east')).toBe('Basic [secret]')
    expect(describeTarget(environment)).toContain('LIVE SITES')
  })

  it('offers power only where both can be powered', async () => {
    const power = Object.fromEntries(
      ['EAST', 'WEST'].flatMap((dc) => ['OFF', 'ON'].map((way) => [`FAILOVER_${dc}_POWER_${way}`, '["true"]'])),
    )
    const environment = await resolveEnvironment(dcEastWest, { file: null, env: { ...complete, ...power } })
    expect(environment.capabilities).toContain('power')
  })

  it('lists all that is missing, half-given, misspelt and malformed at once, with its origin and what to do', async () => {
    const dotenv = file(
      [
        '# sites',
        'FAILOVER_TARGET=live',
        'FAILOVER_EAST_REST_URL=east.example.com:9714',
        'export FAILOVER_EAST_USERNAME=drill',
        'FAILOVER_EAST_PASWORD=hunter2hunter2',
        'FAILOVER_EAST_POWER_OFF=poweroff now',
        'FAILOVER_WEST_TLS_VERIFY=maybe',
        'FAILOVER_WEST_CA_FILE=/nowhere/ca.pem',
        'FAILOVER_LAB_TIMESCALE=0.2',
        'OTHER=1',
      ].join('\n'),
    )
    const message = await refused({
      file: dotenv,
      env: { FAILOVER_WEST_USERNAME: 'drill', FAILOVER_EAST_CERT_FILE: dotenv },
    })
    expect(message).not.toContain('hunter2')
    expect(message.replaceAll(/file-\d+/g, '.env')).toMatchInlineSnapshot(`
      "The environment dc-east-west cannot be used, with 13 problems:
        - FAILOVER_EAST_PASWORD (from <dir>/.env line 5): no variable of that name is read. Did you mean FAILOVER_EAST_PASSWORD?
        - dcs.east.data.url (FAILOVER_EAST_DATA_URL): is not set, and live sites need it. Set it in .env or the environment, as in FAILOVER_EAST_DATA_URL=https://east.example.com:9980.
        - dcs.east.password (FAILOVER_EAST_PASSWORD): is not set, and live sites need it. Set FAILOVER_EAST_PASSWORD in the environment or in .env.
        - dcs.east.tls.key (FAILOVER_EAST_KEY_FILE): is not set, but FAILOVER_EAST_CERT_FILE is. Set it in .env or the environment, as in FAILOVER_EAST_KEY_FILE=config/east-client-key.pem.
        - dcs.east.power.on (FAILOVER_EAST_POWER_ON): is not set, but FAILOVER_EAST_POWER_OFF is. Set it in .env or the environment, as in FAILOVER_EAST_POWER_ON=["ssh", "bmc-east", "power", "on"].
        - dcs.east.management.url (FAILOVER_EAST_REST_URL, from <dir>/.env line 3): is not a URL that starts with https:// (it is "east.example.com:9714"). Example: FAILOVER_EAST_REST_URL=https://east.example.com:9714/streams.
        - dcs.east.power.off (FAILOVER_EAST_POWER_OFF, from <dir>/.env line 6): is not a JSON array of words (it is "poweroff now"). Example: FAILOVER_EAST_POWER_OFF=["ssh", "bmc-east", "power", "off"].
        - dcs.west.management.url (FAILOVER_WEST_REST_URL): is not set, and live sites need it. Set it in .env or the environment, as in FAILOVER_WEST_REST_URL=https://west.example.com:9714/streams.
        - dcs.west.data.url (FAILOVER_WEST_DATA_URL): is not set, and live sites need it. Set it in .env or the environment, as in FAILOVER_WEST_DATA_URL=https://west.example.com:9980.
        - dcs.west.password (FAILOVER_WEST_PASSWORD): is not set, and live sites need it. Set FAILOVER_WEST_PASSWORD in the environment or in .env.
        - dcs.west.tls.ca (FAILOVER_WEST_CA_FILE, from <dir>/.env line 8): the file cannot be read: ENOENT: no such file or directory, open '/nowhere/ca.pem'. Correct the path; it is taken from the working directory.
        - dcs.west.tls.rejectUnauthorized (FAILOVER_WEST_TLS_VERIFY, from <dir>/.env line 7): is neither true nor false (it is "maybe"). Example: FAILOVER_WEST_TLS_VERIFY=true.
        - FAILOVER_LAB_TIMESCALE (from <dir>/.env line 9): is set, and the target is live: it is about the labs. Remove it, or set FAILOVER_TARGET to embedded or containers."
    `)
  })

  it('takes an empty variable for one that is not there, and the process environment before the file', async () => {
    const dotenv = file('FAILOVER_EAST_LABEL=Frankfurt\nFAILOVER_WEST_LABEL=Dublin\n')
    const env = { ...complete, FAILOVER_WEST_LABEL: 'Cork', FAILOVER_EAST_DOMAIN: '' }
    const environment = await resolveEnvironment(dcEastWest, { file: dotenv, env })
    expect([environment.dcs.east.label, environment.dcs.west.label]).toEqual(['Frankfurt', 'Cork'])
    expect(environment.dcs.east.domain).toBeUndefined()
  })

  it('refuses a CA file without a certificate', async () => {
    const message = await refused({ file: null, env: { ...complete, FAILOVER_EAST_CA_FILE: file('a key?') } })
    expect(message).toMatch(/dcs\.east\.tls\.ca \(FAILOVER_EAST_CA_FILE.*holds no PEM certificate/)
  })
})

describe('variables of the run', () => {
  it('are taken from the file for those who read the process, and nothing else is', () => {
    const env: NodeJS.ProcessEnv = { FAILOVER_REQUIRE: 'power' }
    const dotenv = file('FAILOVER_SEED=7\nFAILOVER_REQUIRE=all\nFAILOVER_EAST_PASSWORD=secret!\nOTHER=1\n')
    applyRunVariables(dotenv, env)
    expect(env).toEqual({ FAILOVER_SEED: '7', FAILOVER_REQUIRE: 'power' })
  })
})

describe('the target', () => {
  it('is the embedded lab where nothing is configured, and says so', () => {
    const sources = { env: {}, file: null }
    expect(targetOf(dcEastWest, sources)).toEqual({ target: 'embedded', byDefault: true })
    expect(describeTarget(dcEastWest, sources)).toBe(
      'dc-east-west: EMBEDDED LAB on this machine. Nothing else is configured (FAILOVER_TARGET is not set). What is measured says nothing about any real site.',
    )
    expect(describeTarget({ name: 'x', target: 'embedded', labFacts: { defects: ['loses-a-key'] } })).toMatch(
      /loses-a-key/,
    )
  })

  it('has only the values that there are', async () => {
    const message = await refused({
      file: null,
      env: { FAILOVER_TARGET: 'lab', FAILOVER_LAB_TIMESCALE: 'fast', FAILOVER_LAB_MODE: 'x' },
    })
    expect(message).toMatchInlineSnapshot(`
      "The environment dc-east-west cannot be used, with 3 problems:
        - target (FAILOVER_TARGET, from the process environment): must be 'embedded', 'containers' or 'live' (it is "lab"). Example: FAILOVER_TARGET=embedded.
        - lab.timeScale (FAILOVER_LAB_TIMESCALE, from the process environment): is not a number (it is "fast"). Example: FAILOVER_LAB_TIMESCALE=0.2.
        - mode (FAILOVER_LAB_MODE, from the process environment): must be 'active-active' or 'active-passive' (it is "x"). Example: FAILOVER_LAB_MODE=active-active."
    `)
    expect(() => targetOf(dcEastWest, { file: null, env: { FAILOVER_TARGET: 'lab' } })).toThrow(EnvironmentError)
  })
})
