import { Duplex } from 'node:stream'
import type { ClientChannel } from 'ssh2'
import type { SshConnection } from './ssh-connection.ts'

/**
 * A forwarded channel as a socket: back pressure and ends come through. The loss of the SSH connection is an error of
 * its own (`ConnectionLostError`), so that nobody takes it for the far side's doing. SSH has no reset: one of the far side shows
 * as an end, and as EPIPE on what is written afterwards.
 */
export function forwardedSocket(channel: ClientChannel, connection: SshConnection): Duplex {
  let closed = false
  let stopWatching = (): void => undefined
  let pending: ((error?: Error | null) => void) | undefined
  const socket = new Duplex({
    allowHalfOpen: false,
    read: () => void channel.resume(),
    write(chunk: Buffer, _encoding, done) {
      if (closed) return done(brokenPipe())
      pending = done
      channel.write(chunk, () => {
        if (pending !== done) return
        pending = undefined
        done()
      })
    },
    final(done) {
      if (!closed) channel.end()
      done()
    },
    destroy(error, done) {
      stopWatching()
      if (!closed) channel.close()
      done(error)
    },
  })
  stopWatching = connection.onLost(() => socket.destroy(connection.lostWhile('a forwarded connection', true)))
  channel.on('data', (chunk: Buffer) => {
    if (!socket.push(chunk)) channel.pause()
  })
  channel.on('end', () => socket.push(null))
  channel.stderr.resume()
  channel.on('error', (error: Error) => socket.destroy(error))
  channel.on('close', () => {
    closed = true
    const writing = pending
    pending = undefined
    writing?.(brokenPipe())
  })
  return socket
}

function brokenPipe(): NodeJS.ErrnoException {
  return Object.assign(new Error('write EPIPE: the far side has closed the connection'), { code: 'EPIPE' })
}
