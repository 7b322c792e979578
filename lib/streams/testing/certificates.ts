import { generate } from 'selfsigned'

/** A key pair with its certificate, PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

const EC = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const
const DAY = 86_400_000

/** A certificate authority of its own. */
export async function createAuthority(name: string): Promise<Identity> {
  const made = await generate([{ name: 'commonName', value: name }], {
    ...EC,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return { cert: made.cert, key: made.private }
}

/** A certificate that vouches for itself, as Streams domains make by default: its name is not that of any host. */
export async function selfSigned(name: string): Promise<Identity> {
  const made = await generate([{ name: 'commonName', value: name }], {
    ...EC,
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: name }] }],
  })
  return { cert: made.cert, key: made.private }
}

/** A certificate by an authority: for 127.0.0.1 and localhost, valid now, unless told otherwise. */
export async function issue(
  authority: Identity,
  options: { readonly names?: readonly string[]; readonly ips?: readonly string[]; readonly expired?: boolean } = {},
): Promise<Identity> {
  const now = Date.now()
  const made = await generate([{ name: 'commonName', value: options.names?.[0] ?? 'test' }], {
    ...EC,
    ca: authority,
    notBeforeDate: new Date(now - 10 * DAY),
    notAfterDate: new Date(options.expired ? now - DAY : now + DAY),
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          ...(options.names ?? ['localhost']).map((value) => ({ type: 2 as const, value })),
          ...(options.ips ?? ['127.0.0.1']).map((ip) => ({ type: 7 as const, ip })),
        ],
      },
    ],
  })
  return { cert: made.cert, key: made.private }
}
