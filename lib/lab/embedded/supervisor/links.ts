import type { Address, DcName, Route } from '../protocol.ts'
import type { LinkDescription, Party, PortRole } from '../types.ts'
import type { LabPlan } from '../plan.ts'
import type { Truth } from '../truth.ts'
import { Relay, type LinkFault } from '../links/relay.ts'
import type { PortBlock } from './ports.ts'

const LOOPBACK = '127.0.0.1'
const DCS: readonly DcName[] = ['east', 'west']

/** Which links a fault acts on, and how. */
export interface LinkOrder extends LinkFault {
  readonly from: Party
  readonly to: DcName
  readonly port: PortRole | undefined
}

/** All links of a lab, and the faults on them. */
export class Links {
  readonly #links: { readonly description: LinkDescription; readonly relay: Relay; readonly documented?: number }[] = []
  readonly #receivers: Record<DcName, { readonly port: number; readonly at: Address }[]>
  readonly #plan: LabPlan
  readonly #truth: Truth
  #orders: readonly LinkOrder[] = []

  constructor(plan: LabPlan, ports: PortBlock, truth: Truth) {
    this.#plan = plan
    this.#truth = truth
    const receivers = (dc: DcName): { port: number; at: Address }[] =>
      plan.receiverPorts[dc].map((port) => ({ port, at: { host: LOOPBACK, port: ports.take() } }))
    this.#receivers = { east: receivers('east'), west: receivers('west') }
  }

  /** Opens every link. `site` tells where the servers of a site listen at the moment. */
  async open(ports: PortBlock, site: (dc: DcName, role: 'management' | 'data') => number | undefined): Promise<void> {
    const opening: Promise<unknown>[] = []
    const add = (
      from: Party,
      to: DcName,
      role: PortRole,
      target: () => Address | undefined,
      nth = 0,
      port?: number,
    ): void => {
      const relay = new Relay(target)
      const listenPort = ports.take()
      const id = `${from}-${to}-${role}${nth > 0 ? `-${nth}` : ''}`
      const description = { id, from, to, port: role, host: LOOPBACK, listenPort }
      this.#links.push({ description, relay, ...(port === undefined ? {} : { documented: port }) })
      opening.push(relay.listen({ host: LOOPBACK, port: listenPort }))
    }
    for (const to of DCS) {
      for (const role of ['management', 'data'] as const) {
        add('runner', to, role, () => {
          const port = site(to, role)
          return port === undefined ? undefined : { host: LOOPBACK, port }
        })
      }
      const peer = to === 'east' ? 'west' : 'east'
      for (const from of [peer, 'runner'] as const) {
        this.#receivers[to].forEach(({ port, at }, i) => {
          add(from, to, i === 0 ? 'heartbeat' : 'snapshot', () => at, Math.max(0, i - 1), port)
        })
      }
    }
    await Promise.all(opening)
  }

  get descriptions(): readonly LinkDescription[] {
    return this.#links.map((link) => link.description)
  }

  /** What the toolkit of a data centre must know: where its receivers listen, and how its peer is reached. */
  crossDc(dc: DcName): { listen: { port: number; at: Address }[]; routes: Route[] } {
    const routes: Route[] = []
    for (const { description, documented } of this.#links) {
      if (description.from !== dc || documented === undefined) continue
      const via = { host: description.host, port: description.listenPort }
      for (const host of this.#plan.hostNames[description.to]) routes.push({ host, port: documented, via })
    }
    return { listen: this.#receivers[dc], routes }
  }

  /** Lays a fault over the links it names; the same order twice is once. Returns the ids of the links. */
  apply(order: LinkOrder): string[] {
    const text = JSON.stringify(order)
    if (!this.#orders.some((known) => JSON.stringify(known) === text)) this.#orders = [...this.#orders, order]
    this.#refresh()
    const links = this.#links.filter((link) => concerns(order, link.description)).map((link) => link.description.id)
    const { fault, ...rest } = order
    this.#truth.write('link', { id: fault, action: order.part.cut ? 'cut' : 'shape', ...rest, links })
    return links
  }

  /** Takes away all that a fault laid over links. Returns whether there was any. */
  heal(fault: string): boolean {
    const left = this.#orders.filter((order) => order.fault !== fault)
    const changed = left.length < this.#orders.length
    this.#orders = left
    this.#refresh()
    this.#truth.write('link', { id: fault, action: 'heal' })
    return changed
  }

  show(): unknown {
    return this.#links.map(({ description, relay }) => ({
      ...description,
      connections: relay.connections,
      faults: [...new Set(relay.faults.map((order) => order.fault))],
      forward: relay.shapes.forward,
      backward: relay.shapes.backward,
    }))
  }

  close(): void {
    for (const { relay } of this.#links) relay.close()
  }

  #refresh(): void {
    for (const { description, relay } of this.#links) {
      const faults = this.#orders.filter((order) => concerns(order, description))
      if (faults.length > 0 || relay.faults.length > 0) relay.setFaults(faults)
    }
  }
}

function concerns(order: LinkOrder, link: LinkDescription): boolean {
  return order.from === link.from && order.to === link.to && (order.port === undefined || order.port === link.port)
}
