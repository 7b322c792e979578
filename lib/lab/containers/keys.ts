import { createHash } from 'node:crypto'
import ssh2 from 'ssh2'

/** An SSH key pair. */
export interface KeyPair {
  /** OpenSSH format. */
  readonly privateKey: string
  /** One line, as in `authorized_keys`. */
  readonly publicKey: string
  /** `SHA256:` and the unpadded base64 of the hash of the public key. */
  readonly fingerprint: string
}

/** A new Ed25519 key pair. */
export function newKeyPair(): KeyPair {
  const { private: privateKey, public: publicKey } = ssh2.utils.generateKeyPairSync('ed25519')
  // The second word of the line is the key as it goes over the wire.
  const blob = Buffer.from(publicKey.split(' ')[1] ?? '', 'base64')
  const hash = createHash('sha256').update(blob).digest('base64')
  return { privateKey, publicKey, fingerprint: `SHA256:${hash.replace(/=+$/, '')}` }
}
