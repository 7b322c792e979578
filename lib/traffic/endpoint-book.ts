import type { EndpointFinder, FindOptions } from './endpoint-finder.ts'
import { DCS } from './keys.ts'
import type { Endpoints } from './messages.ts'
import type { Endpoint } from './endpoint.ts'
import type { DcName } from './types.ts'

const SEARCH_MS = 2000

/** The endpoints of both data centres as they were last found. */
export class EndpointBook {
  readonly #finders: Readonly<Record<DcName, EndpointFinder>>
  readonly #inject: Partial<Record<DcName, Endpoint>> = {}
  readonly #inspect: Partial<Record<DcName, Endpoint>> = {}
  readonly #searching: Record<DcName, boolean> = { east: false, west: false }

  constructor(finders: Readonly<Record<DcName, EndpointFinder>>) {
    this.#finders = finders
  }

  get inject(): Endpoints {
    return { ...this.#inject }
  }

  get inspect(): Endpoints {
    return { ...this.#inspect }
  }

  /**
   * Looks for all. One that is not needed may be missing: a passive data centre has no job yet.
   * @throws what the client of the data service throws
   */
  async findAll(needed: readonly DcName[], signal: AbortSignal | undefined): Promise<void> {
    await Promise.all(
      DCS.map(async (dc) => {
        const stop = signal ? { signal } : {}
        if (needed.includes(dc)) return this.#find(dc, { wait: '2s', ...stop })
        await this.#find(dc, { attempts: 1, ...stop }).catch(() => undefined)
      }),
    )
  }

  /** Looks again for endpoints that are gone: a job that was submitted again has new ones. False if they are not there. */
  async findAgain(dc: DcName, signal: AbortSignal): Promise<boolean> {
    if (this.#searching[dc]) return false
    this.#searching[dc] = true
    try {
      await this.#find(dc, { attempts: 1, signal: AbortSignal.any([signal, AbortSignal.timeout(SEARCH_MS)]) })
      return true
    } catch {
      // Whoever needs it will ask again.
      return false
    } finally {
      this.#searching[dc] = false
    }
  }

  async #find(dc: DcName, options: FindOptions): Promise<void> {
    const { inject, inspect } = await this.#finders[dc].find(options)
    this.#inject[dc] = inject
    this.#inspect[dc] = inspect
  }
}
