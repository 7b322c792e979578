import { messageOf, redact } from '../core/index.ts'
import { CommandTimeoutError, ConnectRefusedError, HostUnreachableError } from './errors.ts'

/** Why a TCP connection could not be opened, from what an operating system, a resolver or an SSH server says of it. */
export interface NetworkFault {
  readonly kind: 'refused' | 'unreachable' | 'timeout' | 'unknown-name' | 'other'
  readonly text: string
}

const KINDS: readonly (readonly [NetworkFault['kind'], RegExp])[] = [
  ['refused', /ECONNREFUSED|ECONNRESET|connection refused|reset by peer/i],
  ['timeout', /ETIMEDOUT|timed out/i],
  ['unknown-name', /ENOTFOUND|EAI_|unknown host|name or service|name resolution|not known/i],
  ['unreachable', /EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|EADDRNOTAVAIL|EACCES|EPERM|no route|unreachable|not permitted/i],
]

/** Sorts the failure of a connection attempt. */
export function networkFault(error: unknown): NetworkFault {
  // Node tries all addresses of a name and throws their errors together, without a message.
  const text =
    error instanceof AggregateError ? error.errors.map(messageOf).join('; ') : messageOf(error).replace(/\.$/, '')
  const kind = KINDS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'other'
  return { kind, text }
}

const UNREACHABLE = {
  refused: ['refused', 'Check that sshd runs there and listens on that port.'],
  unreachable: ['no-route', 'Check the address, the routes and the firewalls on the way.'],
  timeout: ['timeout', 'Check that the host is up, and that nothing between here and there drops the packets.'],
  'unknown-name': ['unknown-name', "Check the host's name, or give its address."],
  other: ['no-route', 'Check the address and the network.'],
} as const

/** The error for a machine to which no connection could be opened. `through`: the way there, if it is not the direct one. */
export function unreachable(place: string, cause: unknown, through = ''): HostUnreachableError {
  const { kind, text } = networkFault(cause)
  const [reason, remedy] = UNREACHABLE[kind]
  return new HostUnreachableError(reason, `${place} cannot be reached${through}: ${redact(text)}.`, { remedy, cause })
}

/** The error for a TCP connection that a machine could not open. */
export function connectFault(what: string, cause: unknown): ConnectRefusedError | CommandTimeoutError {
  const { kind, text } = networkFault(cause)
  const message = `Opening ${what} failed: ${redact(text)}.`
  if (kind === 'timeout') return new CommandTimeoutError(message, { cause })
  return new ConnectRefusedError(message, { details: { reason: kind }, cause })
}
