import { createServer, type Server } from 'node:net'
import { messageOf, now } from '../../../core/index.ts'
import { onLines } from '../json-lines.ts'
import { parseOwn } from '../parse.ts'
import type { DcName } from '../protocol.ts'
import type { Answers, AnswerOrder } from './answers.ts'
import type { Links, LinkOrder } from './links.ts'
import type { Processes } from './processes.ts'
import type { SitePower } from './sites.ts'

/** What the control program asks: one JSON line per connection. */
export type ControlRequest =
  | { readonly verb: 'power-off' | 'power-on'; readonly dc: DcName }
  | { readonly verb: 'power-status' | 'links-show' | 'rest-show' | 'processes' }
  | { readonly verb: 'links-apply'; readonly order: LinkOrder }
  | { readonly verb: 'links-heal' | 'rest-heal'; readonly id: string }
  | { readonly verb: 'rest-wrong'; readonly order: AnswerOrder }

/** What the supervisor answers: one JSON line. */
export type ControlAnswer = { readonly ok: unknown } | { readonly error: string }

/** What control acts on. */
export interface Controlled {
  readonly sites: Readonly<Record<DcName, SitePower>>
  readonly links: Links
  readonly answers: Answers
  readonly processes: Processes
}

/** Serves the control socket. */
export function serveControl(path: string, lab: Controlled): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    onLines(socket, (line) => {
      void answer(line, lab).then((said) => socket.end(`${JSON.stringify(said)}\n`))
    })
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => resolve(server))
  })
}

async function answer(line: string, lab: Controlled): Promise<ControlAnswer> {
  try {
    return { ok: await perform(parseOwn<ControlRequest>(line), lab) }
  } catch (error) {
    return { error: messageOf(error) }
  }
}

async function perform(request: ControlRequest, { sites, links, answers, processes }: Controlled): Promise<unknown> {
  switch (request.verb) {
    case 'power-off': {
      const between = await sites[request.dc].off()
      return { dc: request.dc, offBetween: between ? [between.earliest, between.latest] : null }
    }
    case 'power-on':
      await sites[request.dc].on()
      return { dc: request.dc, power: 'on' }
    case 'power-status':
      return { east: sites.east.status, west: sites.west.status }
    case 'links-apply': {
      const earliest = now()
      const applied = links.apply(request.order)
      return { id: request.order.fault, links: applied, between: [earliest, now()] }
    }
    case 'links-heal':
      return { id: request.id, healed: links.heal(request.id) }
    case 'links-show':
      return links.show()
    case 'rest-wrong': {
      const earliest = now()
      await answers.apply(request.order)
      return { id: request.order.fault, dc: request.order.dc, between: [earliest, now()] }
    }
    case 'rest-heal':
      return { id: request.id, healed: await answers.heal(request.id) }
    case 'rest-show':
      return answers.show()
    case 'processes':
      return processes.list()
  }
}
