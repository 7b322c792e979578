import ssh2 from 'ssh2'
import { fingerprintOf } from './host-keys.ts'

/** An SSH key pair in OpenSSH's formats. */
export interface KeyPair {
  readonly privateKey: string
  /** One line, as in `authorized_keys`. */
  readonly publicKey: string
  /** `SHA256:` and the unpadded base64 of the hash of the public key, as `ssh-keygen` prints it. */
  readonly fingerprint: string
}

/** A new key pair. */
export function newKeyPair(type: 'ed25519' | 'ecdsa' = 'ed25519'): KeyPair {
  for (;;) {
    const made =
      type === 'ed25519'
        ? ssh2.utils.generateKeyPairSync('ed25519')
        : ssh2.utils.generateKeyPairSync('ecdsa', { bits: 256 })
    const key = ssh2.utils.parseKey(made.public)
    // ssh2 1.17 drops leading zero bytes, so that one Ed25519 key in some 230 cannot be read (mscdex/ssh2, issue 1390).
    if (key instanceof Error || ssh2.utils.parseKey(made.private) instanceof Error) continue
    return {
      privateKey: made.private,
      publicKey: made.public.trim(),
      fingerprint: fingerprintOf(key.getPublicSSH()),
    }
  }
}
