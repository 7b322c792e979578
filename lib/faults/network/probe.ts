import { connect, type Socket } from 'node:net'
import { now } from '../../core/index.ts'
import { FaultTargetError } from '../errors.ts'
import type { FaultLink } from '../target.ts'

/** What became of a request through a link. */
export type ProbeOutcome =
  { readonly outcome: 'answered'; readonly rttMs: number } | { readonly outcome: 'silent' | 'reset' }

/** A connection through a link that was opened earlier and is still unused. */
export interface OpenProbe {
  readonly link: FaultLink
  readonly socket: Socket
}

// The receivers of the failover toolkit answer this without counting a message (toolkit reference §6).
const PATHS = {
  heartbeat: '/crossdcrx/CrossDataCenterReceiverForHB/ports/output/0/info',
  snapshot: '/crossdcrx/CrossDataCenterReceiver%5B0%5D/ports/output/0/info',
  management: '/',
  data: '/',
} as const

/** Asks through a new connection. */
export async function ask(link: FaultLink, withinMs: number): Promise<ProbeOutcome> {
  const socket = connect({ host: link.host, port: link.listenPort, noDelay: true })
  return request(socket, link, withinMs)
}

/** Asks through a connection that was opened earlier; it is used up by this. */
export async function askOpen({ socket, link }: OpenProbe, withinMs: number): Promise<ProbeOutcome> {
  return request(socket, link, withinMs)
}

/**
 * Opens connections to be asked through later. That the path works is shown by a request of its own.
 * @throws FaultTargetError if a link does not answer now: a fault on it would prove nothing
 */
export async function openProbes(links: readonly FaultLink[], withinMs: number): Promise<OpenProbe[]> {
  const probes = await Promise.all(
    links.map(async (link) => {
      const { outcome } = await ask(link, withinMs)
      if (outcome !== 'answered') {
        throw new FaultTargetError(
          `The link ${link.id} (${link.host}:${link.listenPort}) is ${outcome} before the fault.`,
          {
            remedy: 'Heal what is on it, or wait until the far side is up.',
          },
        )
      }
      return { link, socket: await opened(link) }
    }),
  )
  return probes
}

/** Ends probes that were not used. */
export function closeProbes(probes: readonly OpenProbe[]): void {
  for (const { socket } of probes) socket.destroy()
}

function opened(link: FaultLink): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: link.host, port: link.listenPort, noDelay: true })
    socket.once('connect', () => {
      // Until it is asked through, an end of it is nobody's business.
      socket.on('error', () => undefined)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}

function request(socket: Socket, link: FaultLink, withinMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    const sentAt = now()
    const settle = (outcome: ProbeOutcome): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => settle({ outcome: 'silent' }), withinMs)
    socket.on('error', () => settle({ outcome: 'reset' }))
    socket.on('close', () => settle({ outcome: 'reset' }))
    socket.on('data', () => settle({ outcome: 'answered', rttMs: now() - sentAt }))
    if (socket.destroyed) settle({ outcome: 'reset' })
    else socket.write(`GET ${PATHS[link.port]} HTTP/1.1\r\nHost: ${link.to}\r\nConnection: close\r\n\r\n`)
  })
}
