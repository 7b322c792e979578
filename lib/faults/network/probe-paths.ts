import type { Duplex } from 'node:stream'
import { AbortedError, now } from '../../core/index.ts'
import { CommandTimeoutError, ConnectRefusedError } from '../../hosts/index.ts'
import type { FaultContext, HostName } from '../definition.ts'
import type { FaultLink } from '../target.ts'

/** What became of a request. */
export type ProbeOutcome =
  { readonly outcome: 'answered'; readonly rttMs: number } | { readonly outcome: 'silent' | 'reset' }

/** What is said to a service to make it say something: any answer is a sign of life. */
export type ProbeRequest = 'http' | 'tls'

/** A way from one machine to one port of a data centre, to be tried. */
export interface ProbePath {
  /** Tells it from all others, for people. */
  readonly id: string
  /** Where it is tried from. */
  readonly vantage: HostName
  readonly from: FaultLink['from']
  readonly to: FaultLink['to']
  /** What the port is for; undefined for a port that was given by its number. */
  readonly role?: FaultLink['port']
  readonly host: string
  readonly port: number
  readonly request: ProbeRequest
}

/** A connection that was opened earlier and is still unused. */
export interface OpenPath {
  readonly path: ProbePath
  readonly stream: Duplex
}

/** The receivers of the failover toolkit answer this without counting a message (toolkit reference §6). */
export const HTTP_PATHS = {
  heartbeat: '/crossdcrx/CrossDataCenterReceiverForHB/ports/output/0/info',
  snapshot: '/crossdcrx/CrossDataCenterReceiver%5B0%5D/ports/output/0/info',
  management: '/',
  data: '/',
} as const

/**
 * A TLS 1.2 ClientHello with four common suites and nothing else. What a server makes of it, a hello or an alert, is a sign of
 * life, and no session is begun.
 */
export const CLIENT_HELLO = Buffer.concat([
  Buffer.from('160301002f0100002b0303', 'hex'),
  Buffer.from('streams-failover probe'.padEnd(32, '.'), 'latin1'),
  Buffer.from('0000' + '04' + 'c02fc030' + '0100', 'hex'),
])

/**
 * Asks through a new connection.
 * @throws AbortedError, and what the shell of the vantage throws where it cannot open connections at all
 */
export async function askPath(context: FaultContext, path: ProbePath, withinMs: number): Promise<ProbeOutcome> {
  const begun = now()
  let stream: Duplex
  try {
    stream = await connectPath(context, path, withinMs)
  } catch (error) {
    if (error instanceof ConnectRefusedError) return { outcome: 'reset' }
    if (error instanceof CommandTimeoutError) return { outcome: 'silent' }
    throw error
  }
  const answer = await request(stream, path, Math.max(1, withinMs - (now() - begun)), context.signal)
  return answer
}

/** Asks through a connection that was opened earlier; it is used up by this. */
export function askOpenPath(context: FaultContext, open: OpenPath, withinMs: number): Promise<ProbeOutcome> {
  return request(open.stream, open.path, withinMs, context.signal)
}

/** Opens a connection to be asked through later. */
export async function openPath(context: FaultContext, path: ProbePath, withinMs: number): Promise<OpenPath> {
  const stream = await connectPath(context, path, withinMs)
  // Until it is asked through, an end of it is nobody's business; nor is what it says by itself, like an SSH server.
  stream.on('error', () => undefined)
  stream.on('data', () => undefined)
  return { path, stream }
}

function connectPath(context: FaultContext, path: ProbePath, withinMs: number): Promise<Duplex> {
  const { host, port } = path
  const within = `${Math.max(1, Math.ceil(withinMs))}ms` as const
  return context.shell(path.vantage).connect({ host, port }, { within, signal: context.signal })
}

function request(stream: Duplex, path: ProbePath, withinMs: number, signal: AbortSignal): Promise<ProbeOutcome> {
  return new Promise((resolve, reject) => {
    const sentAt = now()
    const settle = (done: () => void): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      stream.destroy()
      done()
    }
    const end = (outcome: ProbeOutcome) => (): void => settle(() => resolve(outcome))
    const onAbort = (): void => settle(() => reject(new AbortedError(`The probe of ${path.id} was given up.`)))
    const timer = setTimeout(end({ outcome: 'silent' }), withinMs)
    signal.addEventListener('abort', onAbort, { once: true })
    stream.on('error', end({ outcome: 'reset' }))
    stream.on('end', end({ outcome: 'reset' }))
    stream.on('close', end({ outcome: 'reset' }))
    stream.on('data', () => settle(() => resolve({ outcome: 'answered', rttMs: now() - sentAt })))
    if (signal.aborted) onAbort()
    else if (stream.destroyed || stream.readableEnded) end({ outcome: 'reset' })()
    else stream.write(path.request === 'tls' ? CLIENT_HELLO : httpRequest(path))
  })
}

function httpRequest({ role, to }: ProbePath): string {
  return `GET ${role === undefined ? '/' : HTTP_PATHS[role]} HTTP/1.1\r\nHost: ${to}\r\nConnection: close\r\n\r\n`
}
