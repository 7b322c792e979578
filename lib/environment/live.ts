import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { messageOf, registerBasicCredentials, Secret } from '../core/index.ts'
import { formatConfigurationFile, resolveConfiguration, type ToolkitConfiguration } from '../toolkit/index.ts'
import type { ConfigurationProblem } from './errors.ts'
import type { DcConnection, DcName, TlsSettings } from './resolved.ts'
import { readLiveHosts, type LiveHost } from './live-hosts.ts'
import type { EnvironmentDeclaration } from './schema.ts'
import { exampleOf, VARIABLES } from './variable-table.ts'
import { fullName, place, valueOf, variable, type Variables } from './variables.ts'

/** A live data centre, as far as variables and files tell. */
export interface LiveDc {
  readonly connection: DcConnection
  readonly toolkit: ToolkitConfiguration
  readonly hosts: readonly LiveHost[]
  /** Receiver ports of the toolkit: that of heartbeats, then those of snapshots. */
  readonly ports: readonly number[]
}

/** Reads all that is needed of one live data centre. What is missing or wrong goes to `problems`; then the result is undefined. */
export function readLiveDc(
  dc: DcName,
  declared: EnvironmentDeclaration,
  variables: Variables,
  problems: ConfigurationProblem[],
): LiveDc | undefined {
  const before = problems.length
  problems.push(...missing(dc, variables))
  const text = (name: string): string | undefined => valueOf(variables, variable(name), z.string(), problems, dc)
  const typed = <T>(name: string): T | undefined =>
    valueOf(variables, variable(name), variable(name).schema as z.ZodType<T>, problems, dc)
  const file = (name: string): string | undefined => {
    const path = text(name)
    return path === undefined ? undefined : readText(path, name, dc, variables, problems)
  }

  const url = typed<string>('REST_URL')?.replace(/\/+$/, '')
  const dataUrl = typed<string>('DATA_URL')?.replace(/\/+$/, '')
  const username = text('USERNAME')
  const password = text('PASSWORD')
  const tls = readTls(file, text, typed)
  if (tls.ca !== undefined && !tls.ca.includes('-----BEGIN CERTIFICATE-----')) {
    const { origin = 'a file' } = variables.found.get(fullName(variable('CA_FILE'), dc)) ?? {}
    problems.push({
      ...place(variable('CA_FILE'), dc),
      origin,
      problem: 'the file holds no PEM certificate',
      remedy: 'Give the authority’s certificate in PEM form (-----BEGIN CERTIFICATE-----).',
    })
  }
  const hosts = readLiveHosts(dc, { variables, text, typed, file }, problems)
  const crossDcPorts = typed<number[]>('CROSS_DC_PORTS')
  const prometheus = typed<string>('PROMETHEUS_URL')
  const jolokia = typed<string>('JOLOKIA_URL')
  const off = typed<string[]>('POWER_OFF')
  const on = typed<string[]>('POWER_ON')
  const toolkitText = file('TOOLKIT_FILE')
  const configFile = text('CONFIG_FILE')
  const domain = text('DOMAIN')
  const job = text('JOB') ?? declared.application.job
  const bundle = resolve(text('BUNDLE') ?? declared.application.bundle)
  const instance = text('INSTANCE') ?? 'StreamsInstance'
  const label = text('LABEL') ?? dc
  if (problems.length > before || !url || !dataUrl || !username || !password) return undefined

  registerBasicCredentials(username, password)
  const credentials = { username, password: new Secret(password), tls }
  const parameters = {
    ...declared.application.parameters,
    ...(configFile === undefined ? {} : { configFileName: configFile }),
  }
  const fileText = toolkitText ?? formatConfigurationFile({ ...declared.toolkit.both, ...declared.toolkit[dc] })
  const toolkit = resolveConfiguration({ fileText, submission: parameters })
  return {
    connection: {
      dc,
      label,
      management: { url, ...credentials },
      data: { url: dataUrl, ...credentials },
      ...(domain === undefined ? {} : { domain }),
      instance,
      application: { job, bundle, parameters, operators: declared.application.operators },
      ...(off && on ? { power: { off, on } } : {}),
      metrics: {
        ...(prometheus === undefined ? {} : { prometheus }),
        ...(jolokia === undefined ? {} : { jolokia }),
      },
    },
    toolkit,
    hosts: hosts.map((host) => withSnapshots(host, toolkit)),
    ports: crossDcPorts ?? portsOf(toolkit),
  }
}

/** The documented receiver ports: heartbeats, then one per pair of sender and receiver. */
function portsOf({ crossDCHttpPort: base, numberOfHttpSenderReceiverPairs: pairs }: ToolkitConfiguration): number[] {
  return Array.from({ length: 1 + pairs }, (_, i) => base + i)
}

/** A host whose snapshot directory the toolkit's configuration tells, where it is absolute and no variable says otherwise. */
function withSnapshots(host: LiveHost, { dataSnapshotStorageDirectory: directory }: ToolkitConfiguration): LiveHost {
  if (host.settings.snapshotDirectory !== undefined || !directory.startsWith('/')) return host
  return { ...host, settings: { ...host.settings, snapshotDirectory: directory } }
}

function readTls(
  file: (name: string) => string | undefined,
  text: (name: string) => string | undefined,
  typed: <T>(name: string) => T | undefined,
): TlsSettings {
  const ca = file('CA_FILE')
  const cert = file('CERT_FILE')
  const key = file('KEY_FILE')
  const servername = text('TLS_SERVERNAME')
  const rejectUnauthorized = typed<boolean>('TLS_VERIFY')
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key: new Secret(key) }),
    ...(servername === undefined ? {} : { servername }),
  }
}

/** Required variables that are not there, and halves of pairs. */
function* missing(dc: DcName, variables: Variables): Generator<ConfigurationProblem> {
  const isSet = (name: string): boolean => variables.found.has(fullName({ name, scope: 'site' }, dc))
  for (const description of VARIABLES.filter((candidate) => candidate.scope === 'site')) {
    const name = fullName(description, dc)
    if (isSet(description.name)) {
      if (description.needs === undefined || isSet(description.needs)) continue
      const needed = fullName({ name: description.needs, scope: 'site' }, dc)
      yield {
        ...place(description, dc),
        origin: variables.found.get(name)?.origin ?? '',
        problem: `is set, but ${needed} is not, without which it means nothing`,
        remedy: `Set ${needed}, or remove it.`,
      }
      continue
    }
    const remedy = description.secret
      ? `Set ${name} in the environment or in .env.`
      : `Set it in .env or the environment, as in ${name}=${exampleOf(description, dc)}.`
    if (description.required) {
      yield { ...place(description, dc), problem: 'is not set, and live sites need it', remedy }
    } else if (description.with !== undefined && isSet(description.with)) {
      const other = fullName({ name: description.with, scope: 'site' }, dc)
      yield { ...place(description, dc), problem: `is not set, but ${other} is`, remedy }
    }
  }
}

function readText(
  path: string,
  name: string,
  dc: DcName,
  variables: Variables,
  problems: ConfigurationProblem[],
): string | undefined {
  try {
    return readFileSync(resolve(path), 'utf8')
  } catch (error) {
    const { origin = 'the environment' } = variables.found.get(fullName(variable(name), dc)) ?? {}
    problems.push({
      ...place(variable(name), dc),
      origin,
      problem: `the file cannot be read: ${messageOf(error)}`,
      remedy: 'Correct the path; it is taken from the working directory.',
    })
    return undefined
  }
}
