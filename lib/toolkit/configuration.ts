import { readFile } from 'node:fs/promises'
import { ConfigurationError, type Secret } from '../core/index.ts'
import { castValue } from './configuration-cast.ts'
import {
  CONFIGURATION_KEYS,
  configurationKeys,
  isConfigurationKey,
  type ConfigurationKey,
} from './configuration-keys.ts'

/** Name of the application configuration that the toolkit reads where its file says nothing. */
export const APPLICATION_CONFIGURATION = 'CrossDCFailover'

/** Where a value came from. */
export type ConfigurationOrigin = 'file' | 'application-configuration' | 'submission' | 'default'

/** Something that reading met and that the toolkit itself would not say. */
export interface ConfigurationNote {
  readonly kind:
    | 'file-missing'
    | 'line-ignored'
    | 'key-unknown'
    | 'key-repeated'
    | 'carriage-return'
    /** The toolkit's cast fails: its operators do not start. The coded default stands in here. */
    | 'value-malformed'
  /** 1-based line of the file. */
  readonly line?: number
  readonly key?: string
  /** One sentence, without any secret. */
  readonly text: string
}

/** A toolkit's configuration, resolved. Times are in seconds as the file has them; `…Names` is the list of the CSV value. */
export interface ToolkitConfiguration {
  readonly localDataCenterName: string
  /** 1 active, 0 passive. */
  readonly crossDCOperationMode: number
  /** Heartbeats arrive here; snapshots of pair i at this + 1 + i. */
  readonly crossDCHttpPort: number
  readonly remoteDataCenterApplicationMachineNames: readonly string[]
  readonly crossDCInitDelay: number
  readonly heartbeatExchangeInterval: number
  readonly consecutiveHeartbeatMissesAllowed: number
  readonly dataSnapshotExchangeInterval: number
  readonly dataSnapshotStorageDirectory: string
  readonly dataSnapshotJdbcUrl: string
  readonly dataSnapshotJdbcUser: string
  readonly dataSnapshotJdbcPassword: Secret
  readonly dataSnapshotJdbcDriverLib: string
  readonly dataSnapshotJdbcClassName: string
  readonly dataSnapshotTableName: string
  readonly dataSnapshotPrimaryKeyColumnName: string
  readonly sendToAllRemoteMachines: boolean
  readonly alwaysLogHttpErrors: boolean
  readonly httpConnectionTimeout: number
  readonly httpReadTimeout: number
  readonly retainOlderDataSnapshotsAtStartup: boolean
  readonly sendDataSnapshotsToOriginDCAtStartup: boolean
  /** A submission-time value, never read from file or application configuration. */
  readonly numberOfHttpSenderReceiverPairs: number
  readonly origins: Readonly<Record<ConfigurationKey | 'numberOfHttpSenderReceiverPairs', ConfigurationOrigin>>
  readonly notes: readonly ConfigurationNote[]
}

/** What a configuration is resolved from. */
export interface ConfigurationSources {
  /** Text of the configuration file; undefined where there is none to read. */
  readonly fileText?: string | undefined
  /** Properties of the application configuration {@link APPLICATION_CONFIGURATION}, by their full names. */
  readonly applicationConfiguration?: Readonly<Record<string, string>>
  /** `<namespace>::<MainComposite>`, the prefix of those names. */
  readonly applicationName?: string
  /** Submission-time values of the job. */
  readonly submission?: Readonly<Record<string, string>>
}

/**
 * The configuration as the toolkit's operators see it at their start: file over application configuration over coded default.
 * Never throws for a bad value: see `notes` and `checkConfiguration`.
 */
export function resolveConfiguration(sources: ConfigurationSources): ToolkitConfiguration {
  const { values, notes } = parseConfigurationFile(sources.fileText ?? '')
  const origins: Partial<Record<ConfigurationKey | 'numberOfHttpSenderReceiverPairs', ConfigurationOrigin>> = {}
  const resolved: Record<string, unknown> = {}
  for (const key of configurationKeys) {
    const [type, coded] = CONFIGURATION_KEYS[key]
    const property = sources.applicationConfiguration?.[`${sources.applicationName ?? ''}_${key}`]
    const fromFile = values.get(key)
    origins[key] = fromFile !== undefined ? 'file' : property !== undefined ? 'application-configuration' : 'default'
    const text = fromFile ?? property ?? coded
    const cast = castValue(type, text)
    if (cast === undefined) {
      notes.push({
        kind: 'value-malformed',
        key,
        text: `${key}=${JSON.stringify(text)} is not a value of type ${type}.`,
      })
    }
    resolved[key] = cast ?? castValue(type, coded)
  }
  const pairs = sources.submission?.['numberOfHttpSenderReceiverPairs']
  origins.numberOfHttpSenderReceiverPairs = pairs === undefined ? 'default' : 'submission'
  const pairsCast = castValue('int32', pairs ?? '1')
  if (pairsCast === undefined) {
    const key = 'numberOfHttpSenderReceiverPairs'
    notes.push({ kind: 'value-malformed', key, text: `${key}=${JSON.stringify(pairs)} is not a value of type int32.` })
  }
  return {
    ...resolved,
    remoteDataCenterApplicationMachineNames: machineNames(String(resolved['remoteDataCenterApplicationMachineNames'])),
    numberOfHttpSenderReceiverPairs: pairsCast ?? 1,
    origins,
    notes,
  } as unknown as ToolkitConfiguration
}

/**
 * Reads the file and resolves. An empty name means "no file", as in the toolkit; a file that cannot be read gives a note, and
 * otherwise silence, as there.
 */
export async function readConfiguration(
  file: string,
  sources: Omit<ConfigurationSources, 'fileText'> = {},
): Promise<ToolkitConfiguration> {
  if (file === '') return resolveConfiguration(sources)
  const fileText = await readFile(file, 'utf8').catch(() => undefined)
  const configuration = resolveConfiguration({ ...sources, fileText })
  if (fileText !== undefined) return configuration
  const note: ConfigurationNote = {
    kind: 'file-missing',
    text: `${file} cannot be read, so the application configuration and the coded defaults hold.`,
  }
  return { ...configuration, notes: [note, ...configuration.notes] }
}

/**
 * The toolkit's parser: only blanks are trimmed; a line counts if splitting it at `=` and leaving out empty parts gives exactly
 * two; the first line with a key wins; all else is passed over in silence (said here in `notes`).
 */
export function parseConfigurationFile(text: string): { values: Map<string, string>; notes: ConfigurationNote[] } {
  const values = new Map<string, string>()
  const notes: ConfigurationNote[] = []
  for (const [index, raw] of text.split('\n').entries()) {
    const line = index + 1
    const trimmed = trimBlanks(raw)
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const [name = '', value = '', ...more] = trimmed.split('=').filter((part) => part !== '')
    const key = trimBlanks(name)
    if (value === '' || more.length > 0) {
      if (trimmed.trim() === '') continue
      const why =
        more.length > 0 ? 'it has more than one "="' : trimmed.includes('=') ? 'a side is empty' : 'it has no "="'
      // Only what stands before a "=" is told: the rest may be a password.
      const told = /^([^=]+)=/.exec(trimmed)?.[1]?.trim()
      notes.push({
        kind: 'line-ignored',
        line,
        ...(told ? { key: told } : {}),
        text: `Line ${line}${told ? ` (${told})` : ''} does not count: ${why}.`,
      })
    } else if (values.has(key)) {
      notes.push({ kind: 'key-repeated', line, key, text: `Line ${line} does not count: ${key} was set further up.` })
    } else {
      values.set(key, trimBlanks(value))
      if (!isConfigurationKey(key)) {
        notes.push({
          kind: 'key-unknown',
          line,
          key,
          text: `Line ${line}: the toolkit has no key ${JSON.stringify(key)}.`,
        })
      } else if (raw.endsWith('\r')) {
        notes.push({ kind: 'carriage-return', line, key, text: `Line ${line}: the value of ${key} ends with a CR.` })
      }
    }
  }
  return { values, notes }
}

/**
 * A configuration file with these values.
 * @throws ConfigurationError for a value that the toolkit's parser would not read back
 */
export function formatConfigurationFile(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => {
      if (/[=\n\r]/.test(value) || trimBlanks(value) === '') {
        throw new ConfigurationError(`The value of ${key} cannot be written to a toolkit configuration file.`, {
          remedy: 'Leave out empty values and values with "=" or line breaks: the toolkit passes over such lines.',
        })
      }
      return `${key}=${value}\n`
    })
    .join('')
}

/** As Java's `split`: blanks stay (and spoil the URL), empty parts at the end do not. */
function machineNames(text: string): readonly string[] {
  return text.replace(/,+$/, '').split(',')
}

function trimBlanks(text: string): string {
  return text.replace(/^ +| +$/g, '')
}
