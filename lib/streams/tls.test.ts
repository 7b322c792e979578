import { beforeAll, describe, expect, it } from 'vitest'
import { Secret } from '../core/index.ts'
import type { ConnectionOptions } from './connection.ts'
import { UnreachableError } from './errors.ts'
import { openTransport } from './http.ts'
import { createAuthority, issue, selfSigned, type Identity } from './testing/certificates.ts'
import { sendJson, startServer } from './testing/server.ts'

let east: Identity
let west: Identity
let server: Identity

beforeAll(async () => {
  ;[east, west] = await Promise.all([createAuthority('CA east'), createAuthority('CA west')])
  server = await issue(east)
})

const credentials = { username: 'u', password: new Secret('canary-tls-pw') }

async function call(identity: Identity, options: Partial<ConnectionOptions>, more: object = {}) {
  await using https = await startServer((_, response) => sendJson(response, {}), { tls: { ...identity, ...more } })
  await using transport = openTransport({ dc: 'east', url: https.url, credentials, ...options })
  const result = await transport.send({ url: '/', method: 'POST', json: {}, attempts: 1 }).then(
    (answer) => answer.status,
    (error: unknown) => error,
  )
  return { result, requests: https.requests, notices: transport.notices }
}

describe('TLS', () => {
  it('trusts the CA of the data centre', async () => {
    expect((await call(server, { tls: { ca: east.cert } })).result).toBe(200)
  })

  it.each([
    ['the CA of the other data centre', () => ({ tls: { ca: west.cert } }), () => server, 'tls.ca'],
    ['no CA at all', () => ({}), () => server, 'tls.ca'],
  ])('does not trust %s', async (_, options, identity, remedy) => {
    const { result, requests } = await call(identity(), options())
    expect(result).toBeInstanceOf(UnreachableError)
    expect(result).toMatchObject({ kind: 'tls', mayHaveReached: false, dc: 'east' })
    expect((result as UnreachableError).remedy).toContain(remedy)
    expect(requests).toEqual([])
  })

  it('refuses an expired certificate', async () => {
    const { result } = await call(await issue(east, { expired: true }), { tls: { ca: east.cert } })
    expect(result).toMatchObject({ kind: 'tls', mayHaveReached: false })
    expect((result as Error).message).toContain('CERT_HAS_EXPIRED')
  })

  it('refuses a certificate for another host, unless its name is given', async () => {
    const other = await issue(east, { names: ['streams.east.example'], ips: ['192.0.2.1'] })
    const { result } = await call(other, { tls: { ca: east.cert } })
    expect(result).toMatchObject({ kind: 'tls', mayHaveReached: false })
    expect((result as UnreachableError).remedy).toContain('tls.servername')
    expect((await call(other, { tls: { ca: east.cert, servername: 'streams.east.example' } })).result).toBe(200)
  })

  it('checks the given name also where the URL has a host name of its own', async () => {
    const other = await issue(east, { names: ['streams.east.example'], ips: [] })
    await using https = await startServer((_, response) => sendJson(response, {}), { tls: other })
    const url = `https://localhost:${https.port}`
    await using transport = openTransport({
      dc: 'east',
      url,
      credentials,
      tls: { ca: east.cert, servername: 'streams.east.example' },
    })
    expect((await transport.send({ url: '/' })).status).toBe(200)
  })

  it('pins a self-signed certificate', async () => {
    const own = await selfSigned('self-signed')
    const { result } = await call(own, { tls: { ca: own.cert, servername: 'self-signed' } })
    expect(result).toBe(200)
  })

  it('takes anything when told to, and says so', async () => {
    const { result, notices } = await call(server, { tls: { rejectUnauthorized: false } })
    expect(result).toBe(200)
    expect(notices).toEqual(['east: the identity of the server is not checked (`tls.rejectUnauthorized` is false).'])
  })

  it('authorises by a client certificate', async () => {
    const demanding = { requestCert: true, rejectUnauthorized: true, ca: east.cert }
    const client = await issue(east, { names: ['operator'] })
    const certificate = { cert: client.cert, key: new Secret(client.key) }
    const good = await call(server, { tls: { ca: east.cert }, credentials: { certificate } }, demanding)
    expect(good.result).toBe(200)
    const foreign = await issue(west)
    const bad = await call(
      server,
      { tls: { ca: east.cert }, credentials: { certificate: { cert: foreign.cert, key: foreign.key } } },
      demanding,
    )
    expect(bad.result).toMatchObject({ code: 'STREAMS_UNREACHABLE' })
    expect(bad.requests).toEqual([])
  })

  it('tells a port that does not speak TLS', async () => {
    await using plain = await startServer((_, response) => sendJson(response, {}))
    await using transport = openTransport({ dc: 'east', url: plain.url.replace('http:', 'https:'), credentials })
    const error: unknown = await transport.send({ url: '/' }).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ kind: 'tls', mayHaveReached: false })
    expect((error as UnreachableError).remedy).toContain('does not speak TLS')
  })
})
