import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { reveal, type Secret } from '../core/index.ts'
import { HostUnreachableError } from './errors.ts'
import { forwardedSocket } from './forwarded-socket.ts'
import { unreachable } from './network-error.ts'
import type { SocketAddress } from './shell.ts'
import type { SshSettings } from './settings.ts'
import { ADMINISTRATIVELY_PROHIBITED, ChannelRefused, type SshConnection } from './ssh-connection.ts'

/** One attempt to reach a machine. */
export interface Attempt {
  /** The machine, as messages call it. */
  readonly place: string
  /** Aborted when the attempt is over. */
  readonly stop: AbortSignal
  /** The error for an attempt that was stopped. */
  readonly stopped: () => Error
}

type ConnectSsh = (settings: SshSettings, name: string, signal: AbortSignal) => Promise<SshConnection>

/** A connection to a jump host that several hosts behind it share. It ends with its last user. */
interface SharedJump {
  readonly connection: Promise<SshConnection>
  users: number
  readonly given: AbortController
}

const jumps = new Map<string, SharedJump>()

/** A stream to a host, through the SSH server of another. */
export async function throughJump(
  jump: SshSettings,
  { host, port }: SocketAddress,
  { place, stop, stopped }: Attempt,
  connect: ConnectSsh,
): Promise<Duplex> {
  const key = identityOf(jump)
  const shared = sharedJump(key, jump, connect)
  shared.users++
  const release = (): void => {
    shared.users--
    if (shared.users > 0) return
    if (jumps.get(key) === shared) jumps.delete(key)
    shared.given.abort()
    void shared.connection.then((connection) => connection.end()).catch(() => undefined)
  }
  let onStop: (() => void) | undefined
  const halted = new Promise<never>((_, reject) => {
    onStop = () => reject(stopped())
    stop.addEventListener('abort', onStop, { once: true })
    if (stop.aborted) onStop()
  })
  try {
    const connection = await Promise.race([shared.connection, halted])
    const opening = connection.forward(host, port)
    // A channel that comes too late is nobody's.
    stop.addEventListener('abort', () => void opening.then((late) => late.close()).catch(() => undefined), {
      once: true,
    })
    const channel = await Promise.race([opening, halted])
    const socket = forwardedSocket(channel, connection)
    socket.once('close', release)
    return socket
  } catch (error) {
    release()
    if (!(error instanceof ChannelRefused)) throw error
    const by = `the jump host ${jump.host}`
    if (error.reason === ADMINISTRATIVELY_PROHIBITED) {
      throw new HostUnreachableError('no-route', `${place} cannot be reached: ${by} forwards no connections.`, {
        remedy: 'Set AllowTcpForwarding (and PermitOpen) in its sshd_config.',
        cause: error,
      })
    }
    throw unreachable(place, error, ` through ${by}`)
  } finally {
    halted.catch(() => undefined)
    if (onStop) stop.removeEventListener('abort', onStop)
  }
}

function sharedJump(key: string, jump: SshSettings, connect: ConnectSsh): SharedJump {
  const existing = jumps.get(key)
  if (existing) return existing
  const given = new AbortController()
  const connection = connect(jump, `jump host ${jump.host}`, given.signal)
  const shared: SharedJump = { connection, users: 0, given }
  const forget = (): void => {
    if (jumps.get(key) === shared) jumps.delete(key)
  }
  jumps.set(key, shared)
  connection.then((open) => open.onLost(forget), forget)
  return shared
}

/** Two settings are the same if they lead to the same place as the same user with the same keys. */
function identityOf(settings: SshSettings): string {
  const hash = createHash('sha256')
  const walk = (value: SshSettings | undefined): unknown =>
    value && {
      ...value,
      privateKey: text(value.privateKey),
      passphrase: text(value.passphrase),
      password: text(value.password),
      jump: walk(value.jump),
    }
  return hash.update(JSON.stringify(walk(settings))).digest('hex')
}

function text(secret: Secret | undefined): string | undefined {
  return secret && reveal(secret)
}
