import type { ToolkitConfiguration } from './configuration.ts'

/** The coded default of `heartbeatExchangeInterval` and beyond: no failover in anyone's life. */
const OFF_SECONDS = 100_000_000

/** One thing worth telling about a pair of configurations. */
export interface ConfigurationFinding {
  /** `error`: failover cannot work as anyone would want. `warning`: it may not do what the file seems to say. */
  readonly severity: 'error' | 'warning'
  readonly dc: string
  readonly key?: string
  readonly text: string
  readonly remedy: string
}

/** Judges the configurations of the two data centres, by name, alone and against each other. Pure. */
export function checkConfiguration(
  pair: Readonly<Record<string, ToolkitConfiguration>>,
): readonly ConfigurationFinding[] {
  const entries = Object.entries(pair)
  const findings = entries.flatMap(([dc, configuration]) => [
    ...notesOf(dc, configuration),
    ...checkOne(dc, configuration),
  ])
  const [first, second] = entries
  return first && second ? [...findings, ...checkPair(first, second)] : findings
}

const NOTES = {
  'file-missing': ['error', 'Correct the path in the submission parameter configFileName.'],
  'line-ignored': ['warning', 'Write key=value with exactly one "=" and a value.'],
  'key-unknown': ['warning', 'Correct the spelling (names are case-sensitive), or remove the line.'],
  'key-repeated': ['warning', 'Keep one line per key.'],
  'carriage-return': ['error', 'Save the file with Unix line ends.'],
  'value-malformed': ['error', 'Correct the value: the operators that read it do not start.'],
} as const

function notesOf(dc: string, { notes }: ToolkitConfiguration): ConfigurationFinding[] {
  return notes.map(({ kind, key, text }) => {
    const [severity, remedy] = NOTES[kind]
    return { severity, dc, ...(key ? { key } : {}), text, remedy }
  })
}

function checkOne(dc: string, configuration: ToolkitConfiguration): ConfigurationFinding[] {
  const findings: ConfigurationFinding[] = []
  const say = (severity: 'error' | 'warning', key: string, text: string, remedy: string): void => {
    findings.push({ severity, dc, key, text, remedy })
  }
  const heartbeat = configuration.heartbeatExchangeInterval
  const snapshot = configuration.dataSnapshotExchangeInterval
  const active = configuration.crossDCOperationMode === 1
  if (heartbeat >= OFF_SECONDS) {
    const origin = configuration.origins.heartbeatExchangeInterval === 'default' ? ' (the coded default)' : ''
    say(
      'error',
      'heartbeatExchangeInterval',
      `Heartbeats are off: one every ${heartbeat} s${origin}.`,
      'Set heartbeatExchangeInterval, e.g. to 30.0.',
    )
  } else if (heartbeat < 1) {
    say(
      'error',
      'heartbeatExchangeInterval',
      `${heartbeat} s counts as 0 in the snapshot cadence: a snapshot is taken at every tick.`,
      'Use whole seconds, at least 1.',
    )
  } else if (!Number.isInteger(heartbeat)) {
    say(
      'warning',
      'heartbeatExchangeInterval',
      `The snapshot cadence counts ${heartbeat} s as ${Math.trunc(heartbeat)} s.`,
      'Use whole seconds.',
    )
  }
  if (snapshot < 1) {
    say(
      'error',
      'dataSnapshotExchangeInterval',
      `${snapshot} s is a division by zero in the toolkit.`,
      'Use whole seconds, at least 1.',
    )
  } else if (active && snapshot >= OFF_SECONDS) {
    say(
      'warning',
      'dataSnapshotExchangeInterval',
      'State is not replicated: a failover loses all of it.',
      'Set dataSnapshotExchangeInterval, e.g. to 180.0.',
    )
  } else if (active && heartbeat < OFF_SECONDS) {
    if (!Number.isInteger(snapshot)) {
      const text = `The snapshot cadence counts ${snapshot} s as ${Math.trunc(snapshot)} s.`
      say('warning', 'dataSnapshotExchangeInterval', text, 'Use whole seconds.')
    } else if (snapshot % Math.max(1, Math.trunc(heartbeat)) !== 0) {
      say(
        'warning',
        'dataSnapshotExchangeInterval',
        `${snapshot} s is no multiple of the heartbeat interval ${heartbeat} s: snapshots are rarer than it says.`,
        'Make it a multiple of heartbeatExchangeInterval.',
      )
    }
  }
  if (snapshot < OFF_SECONDS && !configuration.dataSnapshotStorageDirectory && !configuration.dataSnapshotJdbcUrl) {
    say(
      'error',
      'dataSnapshotStorageDirectory',
      'Snapshots that arrive have no place to be stored in.',
      'Set dataSnapshotStorageDirectory or the dataSnapshotJdbc… keys.',
    )
  }
  if (configuration.consecutiveHeartbeatMissesAllowed === 255) {
    say(
      'error',
      'consecutiveHeartbeatMissesAllowed',
      'With 255 the uint8 counter of misses wraps round and DOWN is never declared.',
      'Use 254 or less.',
    )
  } else if (configuration.consecutiveHeartbeatMissesAllowed === 0) {
    say(
      'warning',
      'consecutiveHeartbeatMissesAllowed',
      'With 0 a single heartbeat that comes after the tick is a failover.',
      'Allow at least 1.',
    )
  }
  if (configuration.remoteDataCenterApplicationMachineNames.some((name) => name === '' || name !== name.trim())) {
    say(
      'error',
      'remoteDataCenterApplicationMachineNames',
      'Machine names are taken as they stand between the commas, blanks included: such a machine is never reached.',
      'Write host1,host2 without blanks.',
    )
  }
  const hosts = configuration.remoteDataCenterApplicationMachineNames.length
  if (heartbeat < OFF_SECONDS && configuration.httpConnectionTimeout * Math.max(1, hosts) > heartbeat) {
    say(
      'warning',
      'httpConnectionTimeout',
      `A peer that does not answer costs ${configuration.httpConnectionTimeout} s for each of ${hosts} hosts; heartbeats (every ${heartbeat} s) queue up meanwhile and arrive late, as signs of life.`,
      'Keep httpConnectionTimeout times the number of hosts below heartbeatExchangeInterval.',
    )
  }
  if (configuration.sendDataSnapshotsToOriginDCAtStartup) {
    say(
      'warning',
      'sendDataSnapshotsToOriginDCAtStartup',
      'At every first contact the stored snapshots are given back and deleted.',
      'Remove it once both data centres are up again.',
    )
  }
  return findings
}

type Named = readonly [dc: string, configuration: ToolkitConfiguration]

const MUST_AGREE = ['crossDCHttpPort', 'numberOfHttpSenderReceiverPairs'] as const
const SHOULD_AGREE = ['heartbeatExchangeInterval', 'consecutiveHeartbeatMissesAllowed'] as const

type Compared = (typeof MUST_AGREE)[number] | (typeof SHOULD_AGREE)[number]

function checkPair([dcA, a]: Named, [dcB, b]: Named): ConfigurationFinding[] {
  const findings: ConfigurationFinding[] = []
  const differ = (severity: 'error' | 'warning', key: Compared, remedy: string): void => {
    if (a[key] === b[key]) return
    const text = `${key} is ${a[key]} at ${dcA} and ${b[key]} at ${dcB}.`
    findings.push({ severity, dc: `${dcA}, ${dcB}`, key, text, remedy })
  }
  for (const key of MUST_AGREE)
    differ('error', key, 'Each side sends to the port numbers of its own file: set the same.')
  for (const key of SHOULD_AGREE) differ('warning', key, 'Set the same, or expect detection to take longer one way.')
  const [slow, fast] = a.heartbeatExchangeInterval > b.heartbeatExchangeInterval ? [a, b] : [b, a]
  const patience = fast.consecutiveHeartbeatMissesAllowed * fast.heartbeatExchangeInterval
  if (slow.heartbeatExchangeInterval >= patience && slow.heartbeatExchangeInterval < OFF_SECONDS) {
    findings.push({
      severity: 'error',
      dc: `${dcA}, ${dcB}`,
      key: 'heartbeatExchangeInterval',
      text: `One side waits ${patience} s for heartbeats that the other sends every ${slow.heartbeatExchangeInterval} s: it will declare a healthy peer DOWN.`,
      remedy: 'Set the same heartbeatExchangeInterval on both sides.',
    })
  }
  if (a.localDataCenterName === b.localDataCenterName) {
    findings.push({
      severity: 'warning',
      dc: `${dcA}, ${dcB}`,
      key: 'localDataCenterName',
      text: `Both are called ${JSON.stringify(a.localDataCenterName)}: snapshots are stored under that name.`,
      remedy: 'Give each data centre its own name.',
    })
  }
  return findings
}
