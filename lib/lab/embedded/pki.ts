import { isIP } from 'node:net'
import { generate } from 'selfsigned'
import type { TlsMaterial } from './plan.ts'

const ALGORITHM = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const
/** Clocks of containers and laptops jump: a certificate from a minute in the future would be refused. */
const BACKDATED_MS = 3_600_000

/**
 * A new certificate authority, and with it one server certificate for each host name, valid on the loopback addresses too, and
 * under the other names that are given.
 */
export async function makeCertificates<Name extends string>(
  names: readonly Name[],
  others: readonly string[] = [],
): Promise<Record<Name, TlsMaterial>> {
  const notBeforeDate = new Date(Date.now() - BACKDATED_MS)
  const ca = await generate([{ name: 'commonName', value: 'Failover lab CA' }], {
    ...ALGORITHM,
    notBeforeDate,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  const leaf = async (name: Name): Promise<[Name, TlsMaterial]> => {
    const made = await generate([{ name: 'commonName', value: `${name}-host` }], {
      ...ALGORITHM,
      notBeforeDate,
      ca: { key: ca.private, cert: ca.cert },
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: `${name}-host` },
            { type: 2, value: 'localhost' },
            { type: 7, ip: '127.0.0.1' },
            ...others.map((other) =>
              isIP(other) > 0 ? ({ type: 7, ip: other } as const) : ({ type: 2, value: other } as const),
            ),
          ],
        },
      ],
    })
    return [name, { ca: ca.cert, cert: made.cert, key: made.private }]
  }
  return record(await Promise.all(names.map(leaf)))
}

function record<Name extends string>(entries: readonly (readonly [Name, TlsMaterial])[]): Record<Name, TlsMaterial> {
  return Object.fromEntries(entries) as Record<Name, TlsMaterial>
}
