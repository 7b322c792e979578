import ssh2 from 'ssh2'
import { expect, it } from 'vitest'
import { fingerprintOf } from './host-keys.ts'
import { newKeyPair } from './key-pair.ts'

// Of so many pairs that ssh2 makes some ten cannot be read; that none of them is such has a chance of 1 in 10,000.
it('makes key pairs that can be read, both halves of one key', () => {
  for (let i = 0; i < 2200; i++) {
    const { privateKey, publicKey, fingerprint } = newKeyPair()
    for (const half of [privateKey, publicKey]) {
      const key = ssh2.utils.parseKey(half)
      if (key instanceof Error) throw key
      expect(fingerprintOf(key.getPublicSSH())).toBe(fingerprint)
    }
  }
  expect(newKeyPair('ecdsa').publicKey).toMatch(/^ecdsa-sha2-nistp256 \S+$/)
})
