/** SPL types that configuration values are cast to. */
export type ValueType = 'rstring' | 'secret' | 'int32' | 'uint8' | 'float64' | 'boolean'

/**
 * Every key of the toolkit's configuration with its type and coded default, as text (crossdc-failover 1.0.1,
 * `CrossDataCenterFailover.spl`). The defaults of the two exchange intervals mean "off" (14 and 28 years).
 */
export const CONFIGURATION_KEYS = {
  localDataCenterName: ['rstring', 'dc1'],
  crossDCOperationMode: ['int32', '1'],
  crossDCHttpPort: ['int32', '25091'],
  remoteDataCenterApplicationMachineNames: ['rstring', 'localhost'],
  crossDCInitDelay: ['float64', '40.00'],
  heartbeatExchangeInterval: ['float64', '444444444.00'],
  consecutiveHeartbeatMissesAllowed: ['uint8', '4'],
  dataSnapshotExchangeInterval: ['float64', '888888888.00'],
  dataSnapshotStorageDirectory: ['rstring', ''],
  dataSnapshotJdbcUrl: ['rstring', ''],
  dataSnapshotJdbcUser: ['rstring', ''],
  dataSnapshotJdbcPassword: ['secret', ''],
  dataSnapshotJdbcDriverLib: ['rstring', ''],
  dataSnapshotJdbcClassName: ['rstring', ''],
  dataSnapshotTableName: ['rstring', ''],
  dataSnapshotPrimaryKeyColumnName: ['rstring', ''],
  sendToAllRemoteMachines: ['boolean', 'false'],
  alwaysLogHttpErrors: ['boolean', 'false'],
  httpConnectionTimeout: ['int32', '25'],
  httpReadTimeout: ['int32', '100'],
  retainOlderDataSnapshotsAtStartup: ['boolean', 'false'],
  sendDataSnapshotsToOriginDCAtStartup: ['boolean', 'false'],
} as const satisfies Record<string, readonly [ValueType, string]>

/** A key of the configuration file. */
export type ConfigurationKey = keyof typeof CONFIGURATION_KEYS

/** The keys in the order of the toolkit's sample file. */
export const configurationKeys = Object.keys(CONFIGURATION_KEYS) as readonly ConfigurationKey[]

/** True for a name that the toolkit looks for. Names are case-sensitive. */
export function isConfigurationKey(name: string): name is ConfigurationKey {
  return Object.hasOwn(CONFIGURATION_KEYS, name)
}
