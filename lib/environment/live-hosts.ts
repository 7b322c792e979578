import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { messageOf, Secret } from '../core/index.ts'
import type { HostSettings, SshCredentials, SshHostKeys, SshSettings } from '../hosts/index.ts'
import { suggestion } from './did-you-mean.ts'
import type { ConfigurationProblem } from './errors.ts'
import type { HostAddress, Pair } from './host-parsers.ts'
import type { DcName } from './resolved.ts'
import { fullName, place, variable, type Variables } from './variables.ts'

const DEFAULT_LEASE_DIRECTORY = '/var/tmp/failover-leases'
/** The name under which the host key of the jump host stands. */
const JUMP = 'jump'

/** A host as the variables give it; its addresses may still be names. */
export interface LiveHost {
  readonly settings: HostSettings
  /** Where a problem with its addresses lies. */
  readonly addressesFrom: string
}

/** How values are read. See lib/environment/live.ts. */
export interface LiveReaders {
  readonly variables: Variables
  readonly text: (name: string) => string | undefined
  readonly typed: <T>(name: string) => T | undefined
  /** The text of the file that a variable names. */
  readonly file: (name: string) => string | undefined
}

type NamedAddress = HostAddress & { readonly name: string }

/** Reads the hosts of a live data centre. What is missing or wrong goes to `problems`. */
export function readLiveHosts(dc: DcName, readers: LiveReaders, problems: ConfigurationProblem[]): LiveHost[] {
  const { text, typed } = readers
  const found = typed<NamedAddress[]>('HOSTS')
  const names = (found ?? []).map(({ name }) => name)
  const lists = {
    aliases: typed<Pair[]>('HOST_ALIASES') ?? [],
    addresses: typed<Pair[]>('CROSS_DC_ADDRESSES') ?? [],
    keys: typed<Pair[]>('SSH_HOST_KEYS') ?? [],
  }
  const credentials = readCredentials(dc, readers, problems)
  const knownHosts = readers.file('SSH_KNOWN_HOSTS')
  const jumpAddress = typed<HostAddress>('SSH_JUMP')
  const user = text('SSH_USER') ?? 'root'
  const port = typed<number>('SSH_PORT')
  const sudo = typed<boolean>('SUDO')
  const sudoPassword = text('SUDO_PASSWORD')
  const managementNetworks = typed<string[]>('MANAGEMENT_NETWORKS') ?? []
  const networkInterface = text('NETWORK_INTERFACE')
  const snapshotDirectory = typed<string>('SNAPSHOT_DIR')
  const leaseDirectory = typed<string>('HOST_LEASE_DIR') ?? DEFAULT_LEASE_DIRECTORY
  if (found === undefined) return []

  const where = (name: string) => ({ ...place(variable(name), dc), ...originOf(readers.variables, name, dc) })
  const known = (list: string, pairs: readonly Pair[], also: readonly string[] = []): void => {
    for (const name of new Set(pairs.map((pair) => pair.name))) {
      if (names.includes(name) || also.includes(name) || name === '') continue
      const problem = `there is no host ${JSON.stringify(name)}`
      const remedy = `The hosts are ${names.join(', ')}.${suggestion(name, names)}`
      problems.push({ ...where(list), problem, remedy })
    }
  }
  known('HOST_ALIASES', lists.aliases)
  known('CROSS_DC_ADDRESSES', lists.addresses)
  known('SSH_HOST_KEYS', lists.keys, jumpAddress ? [JUMP] : [])
  if (sudo === false && sudoPassword !== undefined) {
    const problem = 'is set, but SUDO is false'
    problems.push({ ...where('SUDO_PASSWORD'), problem, remedy: 'Remove one of the two.' })
  }

  const valuesOf = (pairs: readonly Pair[], name: string): string[] =>
    pairs.filter((pair) => pair.name === name).map(({ value }) => value)
  const hostKeys = (name: string): SshHostKeys => {
    const fingerprints = valuesOf(lists.keys, name)
    if (fingerprints.length === 0 && knownHosts === undefined) {
      const variableName = fullName({ name: 'SSH_HOST_KEYS', scope: 'site' }, dc)
      const problem = `no host key of ${name === JUMP ? 'the jump host' : name} is given, and unknown hosts are refused`
      const remedy = `Set ${variableName}=${name}=SHA256:… (ssh-keygen -lf), or ${fullName({ name: 'SSH_KNOWN_HOSTS', scope: 'site' }, dc)}.`
      problems.push({ ...where('SSH_HOST_KEYS'), problem, remedy })
    }
    return {
      ...(fingerprints.length > 0 ? { fingerprints } : {}),
      ...(knownHosts === undefined ? {} : { knownHosts }),
    }
  }
  const server = ({ address, user: own, port: ownPort }: HostAddress, name: string): SshSettings => ({
    host: address,
    port: ownPort ?? (name === JUMP ? undefined : port) ?? 22,
    username: own ?? user,
    ...credentials,
    hostKeys: hostKeys(name),
  })
  const jump = jumpAddress === undefined ? undefined : server(jumpAddress, JUMP)
  return found.map((host) => {
    const addresses = valuesOf(lists.addresses, host.name)
    return {
      addressesFrom: addresses.length > 0 ? 'CROSS_DC_ADDRESSES' : 'HOSTS',
      settings: {
        name: host.name,
        dc,
        shell: { kind: 'ssh', ...server(host, host.name), ...(jump === undefined ? {} : { jump }) },
        ...(sudoPassword !== undefined
          ? { sudo: { password: new Secret(sudoPassword) } }
          : sudo === true
            ? { sudo: true as const }
            : {}),
        aliases: valuesOf(lists.aliases, host.name),
        addresses: addresses.length > 0 ? addresses : [host.address],
        managementNetworks,
        ...(networkInterface === undefined ? {} : { networkInterface }),
        leaseDirectory,
        ...(snapshotDirectory === undefined ? {} : { snapshotDirectory }),
      },
    }
  })
}

function readCredentials(dc: DcName, readers: LiveReaders, problems: ConfigurationProblem[]): SshCredentials {
  const { text, file, variables } = readers
  const key = file('SSH_KEY_FILE')
  const passphrase = text('SSH_KEY_PASSPHRASE')
  const agent = text('SSH_AGENT')
  const password = text('SSH_PASSWORD')
  const isSet = (name: string): boolean => variables.found.has(fullName({ name, scope: 'site' }, dc))
  if (key !== undefined && !key.includes('PRIVATE KEY-----')) {
    problems.push({
      ...place(variable('SSH_KEY_FILE'), dc),
      ...originOf(variables, 'SSH_KEY_FILE', dc),
      problem: 'the file holds no private key',
      remedy: 'Give the private key (-----BEGIN … PRIVATE KEY-----), not the public one.',
    })
  }
  if (isSet('HOSTS') && !isSet('SSH_KEY_FILE') && agent === undefined && password === undefined) {
    problems.push({
      ...place(variable('SSH_KEY_FILE'), dc),
      problem: `is not set, and neither is an agent or a password, but ${fullName({ name: 'HOSTS', scope: 'site' }, dc)} is`,
      remedy: 'Set SSH_KEY_FILE, SSH_AGENT or SSH_PASSWORD of that site.',
    })
  }
  return {
    ...(key === undefined ? {} : { privateKey: new Secret(key) }),
    ...(passphrase === undefined ? {} : { passphrase: new Secret(passphrase) }),
    ...(agent === undefined ? {} : { agent }),
    ...(password === undefined ? {} : { password: new Secret(password) }),
  }
}

/** Hosts with addresses in place of names. A name that this machine cannot resolve goes to `problems`. */
export function resolveAddresses(
  hosts: readonly LiveHost[],
  variables: Variables,
  problems: ConfigurationProblem[],
): Promise<HostSettings[]> {
  return Promise.all(
    hosts.map(async ({ settings, addressesFrom }) => {
      const resolved = await Promise.all(
        settings.addresses.map(async (address) => {
          if (isIP(address) > 0) return [address]
          try {
            return (await lookup(address, { all: true })).map((found) => found.address)
          } catch (error) {
            problems.push({
              ...place(variable(addressesFrom), settings.dc),
              ...originOf(variables, addressesFrom, settings.dc),
              field: `hosts.${settings.name}.addresses`,
              problem: `${address} cannot be resolved on this machine: ${messageOf(error)}`,
              remedy: `Give the address: ${fullName({ name: 'CROSS_DC_ADDRESSES', scope: 'site' }, settings.dc)}=${settings.name}=….`,
            })
            return []
          }
        }),
      )
      return { ...settings, addresses: [...new Set(resolved.flat())] }
    }),
  )
}

function originOf(variables: Variables, name: string, dc: DcName): { readonly origin?: string } {
  const found = variables.found.get(fullName({ name, scope: 'site' }, dc))
  return found ? { origin: found.origin } : {}
}
