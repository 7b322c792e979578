import type { DcName } from '../protocol.ts'
import type { WrongAnswer } from '../rest/wrong.ts'
import type { Truth } from '../truth.ts'
import type { SitePower } from './sites.ts'

/** Which management API answers wrongly, by which fault. */
export interface AnswerOrder {
  readonly fault: string
  readonly dc: DcName
  readonly wrong: WrongAnswer
}

/** The wrong answers of the management APIs, for as long as the lab lives. Of several orders the latest is in force. */
export class Answers {
  readonly #sites: Readonly<Record<DcName, Pick<SitePower, 'answers'>>>
  readonly #truth: Truth
  #orders: readonly AnswerOrder[] = []

  constructor(sites: Readonly<Record<DcName, Pick<SitePower, 'answers'>>>, truth: Truth) {
    this.#sites = sites
    this.#truth = truth
  }

  /** Resolves once the site answers so; one without power will when it has some. */
  async apply(order: AnswerOrder): Promise<void> {
    this.#orders = [...this.#orders.filter(({ fault }) => fault !== order.fault), order]
    await this.#tell(order.dc)
    const { fault, ...rest } = order
    this.#truth.write('rest', { id: fault, action: 'wrong', ...rest })
  }

  /** Takes away what a fault ordered. Returns whether there was anything. */
  async heal(fault: string): Promise<boolean> {
    const gone = this.#orders.filter((order) => order.fault === fault)
    this.#orders = this.#orders.filter((order) => order.fault !== fault)
    await Promise.all(gone.map(({ dc }) => this.#tell(dc)))
    this.#truth.write('rest', { id: fault, action: 'heal' })
    return gone.length > 0
  }

  show(): readonly AnswerOrder[] {
    return this.#orders
  }

  #tell(dc: DcName): Promise<void> {
    return this.#sites[dc].answers(this.#orders.findLast((order) => order.dc === dc)?.wrong)
  }
}
