import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { reveal } from '../core/index.ts'
import { checkConfiguration, formatConfigurationFile, readConfiguration, resolveConfiguration } from './index.ts'

const GOOD = {
  heartbeatExchangeInterval: '30.0',
  dataSnapshotExchangeInterval: '180.0',
  dataSnapshotStorageDirectory: '/d',
}
const good = (extra: Record<string, string> = {}) =>
  resolveConfiguration({ fileText: formatConfigurationFile({ ...GOOD, ...extra }) })

describe('the parser of the configuration file', () => {
  it('has the coded defaults for all that nobody sets: heartbeats are off', () => {
    const configuration = resolveConfiguration({})
    expect(configuration).toMatchObject({
      localDataCenterName: 'dc1',
      crossDCOperationMode: 1,
      crossDCHttpPort: 25091,
      remoteDataCenterApplicationMachineNames: ['localhost'],
      crossDCInitDelay: 40,
      heartbeatExchangeInterval: 444_444_444,
      consecutiveHeartbeatMissesAllowed: 4,
      dataSnapshotExchangeInterval: 888_888_888,
      httpConnectionTimeout: 25,
      httpReadTimeout: 100,
      numberOfHttpSenderReceiverPairs: 1,
      notes: [],
    })
    expect(new Set(Object.values(configuration.origins))).toEqual(new Set(['default']))
  })

  it('takes the first line with a key, trims blanks and skips comments', () => {
    const { localDataCenterName, notes } = resolveConfiguration({
      fileText: '# localDataCenterName=no\n\n  localDataCenterName =  west \nlocalDataCenterName=east\n',
    })
    expect(localDataCenterName).toBe('west')
    expect(notes.map(({ kind, line }) => ({ kind, line }))).toEqual([{ kind: 'key-repeated', line: 4 }])
  })

  it('passes over lines without exactly two parts, and says so without their values', () => {
    const configuration = resolveConfiguration({
      fileText: 'dataSnapshotJdbcPassword=top=secret\ndataSnapshotJdbcUser=\nlocalDataCenterName\ncrossDCHttpPort==7\n',
    })
    expect(reveal(configuration.dataSnapshotJdbcPassword)).toBe('')
    expect(configuration.dataSnapshotJdbcUser).toBe('')
    expect(configuration.localDataCenterName).toBe('dc1')
    expect(configuration.crossDCHttpPort, 'an empty part is left out by the real tokenizer').toBe(7)
    expect(configuration.notes.map(({ text }) => text)).toEqual([
      'Line 1 (dataSnapshotJdbcPassword) does not count: it has more than one "=".',
      'Line 2 (dataSnapshotJdbcUser) does not count: a side is empty.',
      'Line 3 does not count: it has no "=".',
    ])
  })

  it('takes the file over the application configuration over the default, and knows which it was', () => {
    const configuration = resolveConfiguration({
      fileText: 'localDataCenterName=east\n',
      applicationName: 'com.acme::Main',
      applicationConfiguration: {
        'com.acme::Main_localDataCenterName': 'other',
        'com.acme::Main_crossDCHttpPort': '30000',
        'com.acme::Else_httpReadTimeout': '1',
      },
      submission: { numberOfHttpSenderReceiverPairs: '3', localDataCenterName: 'ignored' },
    })
    expect(configuration).toMatchObject({
      localDataCenterName: 'east',
      crossDCHttpPort: 30_000,
      httpReadTimeout: 100,
      numberOfHttpSenderReceiverPairs: 3,
      origins: {
        localDataCenterName: 'file',
        crossDCHttpPort: 'application-configuration',
        httpReadTimeout: 'default',
        numberOfHttpSenderReceiverPairs: 'submission',
      },
    })
  })

  it.each([
    ['httpConnectionTimeout', '2.5'],
    ['consecutiveHeartbeatMissesAllowed', '256'],
    ['consecutiveHeartbeatMissesAllowed', '-1'],
    ['heartbeatExchangeInterval', '30s'],
    ['sendToAllRemoteMachines', 'TRUE'],
  ])('notes %s=%s as a value that the cast refuses', (key, value) => {
    const { notes } = good({ [key]: value })
    expect(notes).toMatchObject([{ kind: 'value-malformed', key }])
  })

  it('falls back in silence, but for a note, where the file is missing', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'toolkit-'))
    try {
      const file = join(directory, 'crossdc.txt')
      const missing = await readConfiguration(file)
      expect(missing.heartbeatExchangeInterval).toBe(444_444_444)
      expect(missing.notes).toMatchObject([{ kind: 'file-missing' }])
      await writeFile(file, formatConfigurationFile(GOOD))
      expect((await readConfiguration(file)).heartbeatExchangeInterval).toBe(30)
      expect((await readConfiguration('')).notes).toEqual([])
    } finally {
      await rm(directory, { recursive: true })
    }
  })

  it('refuses to write what it could not read back', () => {
    expect(() => formatConfigurationFile({ dataSnapshotJdbcUrl: 'jdbc:x;a=b' })).toThrow(/dataSnapshotJdbcUrl/)
    expect(() => formatConfigurationFile({ dataSnapshotJdbcUrl: ' ' })).toThrow(/dataSnapshotJdbcUrl/)
  })
})

describe('the check of a pair of configurations', () => {
  const check = (east: Record<string, string>, west: Record<string, string> = {}) =>
    checkConfiguration({
      east: good({ localDataCenterName: 'east', ...east }),
      west: good({ localDataCenterName: 'west', ...west }),
    }).map(({ severity, dc, key }) => `${severity} ${dc} ${key}`)

  it('has nothing to say about a sound pair', () => {
    expect(check({})).toEqual([])
  })

  it.each<[string, Record<string, string>, string]>([
    ['heartbeats that are off', { heartbeatExchangeInterval: '444444444.00' }, 'error east heartbeatExchangeInterval'],
    ['an interval of less than a second', { heartbeatExchangeInterval: '0.5' }, 'error east heartbeatExchangeInterval'],
    ['fractions of seconds', { heartbeatExchangeInterval: '30.5' }, 'warning east heartbeatExchangeInterval'],
    ['a division by zero', { dataSnapshotExchangeInterval: '0.5' }, 'error east dataSnapshotExchangeInterval'],
    ['no snapshots', { dataSnapshotExchangeInterval: '888888888.0' }, 'warning east dataSnapshotExchangeInterval'],
    [
      'a cadence that does not fit',
      { dataSnapshotExchangeInterval: '170' },
      'warning east dataSnapshotExchangeInterval',
    ],
    [
      'a counter that wraps',
      { consecutiveHeartbeatMissesAllowed: '255' },
      'error east consecutiveHeartbeatMissesAllowed',
    ],
    ['no patience', { consecutiveHeartbeatMissesAllowed: '0' }, 'warning east consecutiveHeartbeatMissesAllowed'],
    ['slow connects', { remoteDataCenterApplicationMachineNames: 'a,b' }, 'warning east httpConnectionTimeout'],
    [
      'blanks in names',
      { remoteDataCenterApplicationMachineNames: 'a, b' },
      'error east remoteDataCenterApplicationMachineNames',
    ],
    [
      'an option to take back',
      { sendDataSnapshotsToOriginDCAtStartup: 'true' },
      'warning east sendDataSnapshotsToOriginDCAtStartup',
    ],
    ['a key nobody reads', { heartbeatInterval: '3' }, 'warning east heartbeatInterval'],
    ['different ports', { crossDCHttpPort: '25000' }, 'error east, west crossDCHttpPort'],
    ['one name for both', { localDataCenterName: 'west' }, 'warning east, west localDataCenterName'],
    ['an impatient side', { heartbeatExchangeInterval: '5' }, 'error east, west heartbeatExchangeInterval'],
  ])('tells of %s', (_, east, expected) => {
    expect(check(east)).toContain(expected)
  })

  it('tells of a file that is not there and of values with a carriage return', () => {
    const windows = resolveConfiguration({ fileText: 'localDataCenterName=east\r\n' })
    expect(checkConfiguration({ east: windows })).toContainEqual(
      expect.objectContaining({ severity: 'error', key: 'localDataCenterName', text: expect.stringContaining('CR') }),
    )
  })
})
