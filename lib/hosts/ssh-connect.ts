import { connect as tcpConnect } from 'node:net'
import type { Duplex } from 'node:stream'
import type { AuthenticationType, AuthHandlerMiddleware, Client, ServerHostKeyAlgorithm } from 'ssh2'
import { abortedWhile, formatMs, messageOf, redact, toMs } from '../core/index.ts'
import { HostKeyError, HostUnreachableError } from './errors.ts'
import { hostKeyFault, keyTypeOf, listedKeyTypes } from './host-keys.ts'
import { unreachable } from './network-error.ts'
import { authenticationOf, type Authentication } from './ssh-auth.ts'
import { SshConnection } from './ssh-connection.ts'
import { throughJump, type Attempt } from './ssh-jump.ts'
import type { SshSettings } from './settings.ts'

const DEFAULT_CONNECT = '10s'
const DEFAULT_KEEPALIVE = '2s'

/** All that ssh2 can check, the best first. */
const HOST_KEY_ALGORITHMS: readonly (readonly [string, readonly ServerHostKeyAlgorithm[]])[] = [
  ['ssh-ed25519', ['ssh-ed25519']],
  ['ecdsa-sha2-nistp256', ['ecdsa-sha2-nistp256']],
  ['ecdsa-sha2-nistp384', ['ecdsa-sha2-nistp384']],
  ['ecdsa-sha2-nistp521', ['ecdsa-sha2-nistp521']],
  ['ssh-rsa', ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa']],
]

/** `user@host:port`, for messages. */
export function placeOf({ username, host, port }: SshSettings): string {
  return `${username}@${host.includes(':') ? `[${host}]` : host}:${port ?? 22}`
}

/**
 * Connects and logs in.
 * @throws HostUnreachableError, HostKeyError, AuthenticationError, AbortedError
 */
export async function connectSsh(settings: SshSettings, name: string, signal: AbortSignal): Promise<SshConnection> {
  const place = `${name} (${placeOf(settings)})`
  // A fingerprint does not tell its key's type: if the server's first key is not the pinned one, another of its keys may be.
  const shown: string[] = []
  let first: HostKeyError | undefined
  for (;;) {
    const before = shown.length
    try {
      return await attempt(settings, place, signal, shown)
    } catch (error) {
      // The error may also be about the jump host's key, and then nothing was shown here.
      const another =
        error instanceof HostKeyError && shown.length > before && shown.length < HOST_KEY_ALGORITHMS.length
      if (!another || !settings.hostKeys.fingerprints?.length) throw first ?? error
      first ??= error
    }
  }
}

async function attempt(
  settings: SshSettings,
  place: string,
  signal: AbortSignal,
  shown: string[],
): Promise<SshConnection> {
  const { default: ssh2 } = await import('ssh2')
  const withinMs = toMs(settings.connectWithin ?? DEFAULT_CONNECT)
  const authentication = authenticationOf(settings, place, (key, passphrase) => ssh2.utils.parseKey(key, passphrase))
  const halt = new AbortController()
  const stop = halt.signal
  const onAbort = (): void => halt.abort()
  if (signal.aborted) halt.abort()
  signal.addEventListener('abort', onAbort, { once: true })
  const timer = setTimeout(onAbort, withinMs)
  const { host, port = 22 } = settings
  let stage = settings.jump ? `a connection through the jump host ${settings.jump.host}` : 'a TCP connection'
  const stopped = (): Error =>
    signal.aborted
      ? abortedWhile(`${stage} to ${place}`, signal)
      : new HostUnreachableError('timeout', `Waited ${formatMs(withinMs)} for ${stage} to ${place}, in vain.`, {
          remedy: 'Check that the host is up, and that nothing between here and there drops the packets.',
        })
  const way: Attempt = { place, stop, stopped }
  try {
    const socket = settings.jump
      ? await throughJump(settings.jump, { host, port }, way, connectSsh)
      : await openSocket(host, port, way)
    const client = new ssh2.Client()
    return await logIn(client, socket, settings, authentication, shown, way, (next) => (stage = next))
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

const HANDSHAKE = 'an SSH handshake'
const LOGIN = 'the SSH login'

function logIn(
  client: Client,
  socket: Duplex,
  settings: SshSettings,
  authentication: Authentication,
  shown: string[],
  { place, stop, stopped }: Attempt,
  onStage: (stage: string) => void,
): Promise<SshConnection> {
  const { host, port = 22, hostKeys, username } = settings
  let stage = HANDSHAKE
  onStage(stage)
  return new Promise<SshConnection>((resolve, reject) => {
    let keyFault: HostKeyError | undefined
    const fail = (error: Error): void => {
      stop.removeEventListener('abort', onStop)
      client.removeAllListeners()
      client.on('error', () => undefined)
      client.destroy()
      socket.destroy()
      reject(error)
    }
    const onStop = (): void => fail(stopped())
    const onError = (error: Error & { level?: unknown }): void => {
      if (keyFault) return fail(keyFault)
      if (error.level === 'agent') return authentication.note(redact(error.message))
      if (error.level === 'client-authentication') {
        return authentication.exhausted()
          ? fail(authentication.error(place))
          : authentication.note(redact(error.message))
      }
      // A server that says why it ends the connection gives a number; during the login that is about the login.
      if (stage === LOGIN && typeof (error as { code?: unknown }).code === 'number') {
        return fail(authentication.error(place, redact(error.message)))
      }
      fail(handshakeFault(place, stage, error))
    }
    stop.addEventListener('abort', onStop, { once: true })
    if (stop.aborted) return onStop()
    client.on('error', onError)
    client.on('end', () => onError(new Error('the other side closed the connection')))
    client.on('close', () => onError(new Error('the other side closed the connection')))
    client.on('change password', () => fail(authentication.error(place, 'the password has expired')))
    client.on('handshake', () => onStage((stage = LOGIN)))
    client.on('ready', () => {
      stop.removeEventListener('abort', onStop)
      client.removeAllListeners()
      resolve(new SshConnection(client, socket, place))
    })
    client.connect({
      sock: socket,
      username,
      readyTimeout: 0, // the deadline above holds for all stages
      keepaliveInterval: toMs(settings.keepalive ?? DEFAULT_KEEPALIVE),
      keepaliveCountMax: 3,
      algorithms: { serverHostKey: algorithmsFor(settings, shown) },
      hostVerifier: (key: Buffer) => {
        keyFault = hostKeyFault(hostKeys, host, port, key)
        if (keyFault) shown.push(keyTypeOf(key))
        return keyFault === undefined
      },
      authHandler: nextMethod(authentication),
    })
  })
}

function nextMethod(authentication: Authentication) {
  // The types of ssh2 know the callback only; the function's result is what its documentation names first.
  return ((offered: AuthenticationType[] | null, partial: boolean | null, next: (method: unknown) => void) =>
    next(authentication.next(offered, partial))) as AuthHandlerMiddleware
}

/** Key types that known_hosts lists come first, so that the server shows a key which can be compared. */
function algorithmsFor({ hostKeys, host, port }: SshSettings, shown: readonly string[]): ServerHostKeyAlgorithm[] {
  const listed = listedKeyTypes(hostKeys, host, port ?? 22)
  const rank = (type: string): number => (listed.includes(type) ? 0 : 1)
  return HOST_KEY_ALGORITHMS.filter(([type]) => !shown.includes(type))
    .toSorted(([a], [b]) => rank(a) - rank(b))
    .flatMap(([, algorithms]) => algorithms)
}

function handshakeFault(place: string, stage: string, error: Error): Error {
  if (/closed|ECONNRESET|EPIPE|lost before handshake/i.test(messageOf(error))) {
    return new HostUnreachableError('closed', `${place} closed the connection during ${stage}.`, {
      remedy:
        'Check that an SSH server is what listens there, and in its log why it turns connections away (MaxStartups, …).',
      cause: error,
    })
  }
  return new HostUnreachableError(
    'not-ssh',
    `Talking SSH to ${place} failed during ${stage}: ${redact(messageOf(error))}.`,
    {
      remedy:
        'Check that an SSH server is what listens there, and that it has a common set of algorithms with this client.',
      cause: error,
    },
  )
}

function openSocket(host: string, port: number, { place, stop, stopped }: Attempt): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    if (stop.aborted) return reject(stopped())
    // With names of both families, a first address behind a slow network still gets its chance.
    const socket = tcpConnect({ host, port, noDelay: true, autoSelectFamilyAttemptTimeout: 2000 })
    const settle = (): void => {
      stop.removeEventListener('abort', onStop)
      socket.removeListener('error', onError)
    }
    const onStop = (): void => {
      settle()
      socket.on('error', () => undefined)
      socket.destroy()
      reject(stopped())
    }
    const onError = (error: Error): void => {
      settle()
      reject(unreachable(place, error))
    }
    stop.addEventListener('abort', onStop, { once: true })
    socket.once('error', onError)
    socket.once('connect', () => {
      settle()
      resolve(socket)
    })
  })
}
