import { createHash } from 'node:crypto'
import ssh2 from 'ssh2'

/** A key pair in OpenSSH's formats. */
export interface KeyPair {
  readonly privateKey: string
  /** One line, as in authorized_keys. */
  readonly publicKey: string
  /** `SHA256:…`, as ssh-keygen prints it. */
  readonly fingerprint: string
}

/** A new Ed25519 key pair. */
export function newKeyPair(): KeyPair {
  const { private: privateKey, public: publicKey } = ssh2.utils.generateKeyPairSync('ed25519')
  const blob = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64')
  return { privateKey, publicKey: publicKey.trim(), fingerprint: fingerprintOf(blob) }
}

/** The fingerprint of a public key in SSH's wire format. */
export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}
