import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { closeServer, httpsServer, listenAt } from './http.ts'
import { makeCertificates } from './pki.ts'

it('closes a server at once although a client has connected and never said a word', async () => {
  const { east } = await makeCertificates(['east'])
  const server = httpsServer(east, () => undefined)
  const port = await listenAt(server)
  const client = connect(port, '127.0.0.1')
  const ended = once(client, 'close')
  await Promise.all([once(server, 'connection'), once(client, 'connect')])
  await closeServer(server)
  await ended
  expect(server.listening).toBe(false)
})
