import { createHash, createHmac } from 'node:crypto'
import { ConfigurationError } from '../core/index.ts'
import { HostKeyError } from './errors.ts'
import type { SshHostKeys } from './settings.ts'

/** A line of a known_hosts file that names keys. */
interface KnownHost {
  readonly revoked: boolean
  readonly patterns: readonly string[]
  readonly type: string
  readonly key: string
}

/** A known_hosts file, with the lines that are of no use here and why. */
interface KnownHosts {
  readonly entries: readonly KnownHost[]
  readonly ignored: readonly string[]
}

/** `SHA256:` and the unpadded base64 of the hash of a public key, as `ssh-keygen -lf` prints it. */
export function fingerprintOf(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`
}

/** Refuses fingerprints that are none. @throws ConfigurationError */
export function checkHostKeys(host: string, { fingerprints }: SshHostKeys): void {
  for (const fingerprint of fingerprints ?? []) {
    if (!/^SHA256:[A-Za-z0-9+/]{43}=?$/.test(fingerprint)) {
      throw new ConfigurationError(`The host key fingerprint ${JSON.stringify(fingerprint)} of ${host} is not one.`, {
        remedy: 'Write it as ssh-keygen -lf prints it: SHA256: and 43 characters.',
      })
    }
  }
}

/** The key types that known_hosts lists for a host, in the order of the file. */
export function listedKeyTypes(hostKeys: SshHostKeys, host: string, port: number): string[] {
  return entriesFor(parseKnownHosts(hostKeys.knownHosts ?? ''), host, port)
    .filter((entry) => !entry.revoked)
    .map((entry) => entry.type)
}

/** Undefined if a server's key is one of the pinned ones; else the error that says what is wrong. */
export function hostKeyFault(hostKeys: SshHostKeys, host: string, port: number, key: Buffer): HostKeyError | undefined {
  const known = parseKnownHosts(hostKeys.knownHosts ?? '')
  const entries = entriesFor(known, host, port)
  const base64 = key.toString('base64')
  const type = keyTypeOf(key)
  const seen = fingerprintOf(key)
  const place = port === 22 ? host : `[${host}]:${port}`
  const pinned = (hostKeys.fingerprints ?? []).map((fingerprint) => fingerprint.replace(/=$/, ''))
  const listed = entries.filter((entry) => !entry.revoked)
  const expected = [
    ...pinned,
    ...listed.map((entry) => `${fingerprintOf(Buffer.from(entry.key, 'base64'))} (${entry.type})`),
  ]
  const details = { host: place, expected, seen }
  if (entries.some((entry) => entry.revoked && entry.key === base64)) {
    return new HostKeyError(`The ${type} key ${seen} of ${place} is marked as revoked in known_hosts.`, {
      remedy: `Do not use this host until its administrator has given it a new key.`,
      details,
    })
  }
  if (pinned.includes(seen) || listed.some((entry) => entry.key === base64)) return undefined
  const ignored = known.ignored.length > 0 ? ` Not used of known_hosts: ${known.ignored.join('; ')}.` : ''
  const look = `"ssh-keygen -lf /etc/ssh/ssh_host_${fileOf(type)}_key.pub"`
  if (expected.length === 0) {
    return new HostKeyError(`No host key of ${place} is known; it showed the ${type} key ${seen}.${ignored}`, {
      remedy: `Compare it with what ${look} prints on the host itself, then add it to the host's fingerprints or known_hosts.`,
      details,
    })
  }
  return new HostKeyError(
    `${place} showed the ${type} key ${seen}, but expected was ${expected.join(' or ')}.${ignored}`,
    {
      remedy:
        `Either the host has a new key or something else answers in its place: compare with what ${look} prints on the host ` +
        `itself, and change the host's fingerprints or known_hosts only if they agree.`,
      details,
    },
  )
}

/** The name of a key's type, which its first field holds. */
export function keyTypeOf(key: Buffer): string {
  const length = key.length >= 4 ? key.readUInt32BE(0) : 0
  return key.subarray(4, 4 + Math.min(length, 64)).toString('latin1')
}

function fileOf(type: string): string {
  return /ed25519|ecdsa|rsa|dsa/.exec(type)?.[0] ?? 'ed25519'
}

function parseKnownHosts(text: string): KnownHosts {
  const entries: KnownHost[] = []
  const ignored: string[] = []
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) return
    const words = line.split(/\s+/)
    const marker = line.startsWith('@') ? words.shift() : undefined
    const [names = '', type = '', key = ''] = words
    const at = `line ${index + 1}`
    if (marker === '@cert-authority') {
      ignored.push(`${at} names a certificate authority, but this client knows no host certificates`)
    } else if (marker !== undefined && marker !== '@revoked') {
      ignored.push(`${at} has the unknown marker ${marker}`)
    } else if (key === '' || keyTypeOf(Buffer.from(key, 'base64')) !== type) {
      ignored.push(`${at} holds no key of the type that it names`)
    } else {
      entries.push({
        revoked: marker === '@revoked',
        patterns: names.split(','),
        type,
        key: Buffer.from(key, 'base64').toString('base64'),
      })
    }
  })
  return { entries, ignored }
}

/** As OpenSSH does: a port of its own counts if there is a line for it; else the lines of the bare name do. */
function entriesFor({ entries }: KnownHosts, host: string, port: number): KnownHost[] {
  const bare = host.toLowerCase()
  const of = (name: string): KnownHost[] => entries.filter((entry) => matches(entry.patterns, name))
  if (port === 22) return of(bare)
  const exact = of(`[${bare}]:${port}`)
  const plain = of(bare)
  return exact.some((entry) => !entry.revoked)
    ? [...exact, ...plain.filter((entry) => entry.revoked)]
    : [...exact, ...plain]
}

function matches(patterns: readonly string[], name: string): boolean {
  let found = false
  for (const pattern of patterns) {
    const negated = pattern.startsWith('!')
    if (!matchesOne(negated ? pattern.slice(1) : pattern, name)) continue
    if (negated) return false
    found = true
  }
  return found
}

function matchesOne(pattern: string, name: string): boolean {
  const hashed = /^\|1\|([^|]+)\|([^|]+)$/.exec(pattern)
  if (hashed) {
    const salt = Buffer.from(hashed[1] ?? '', 'base64')
    return createHmac('sha1', salt).update(name).digest('base64') === hashed[2]
  }
  const escaped = pattern.toLowerCase().replace(/[.+^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`).test(name)
}
