import { z } from 'zod'
import { now, toMs } from '../core/index.ts'
import { readJson } from './answer.ts'
import type { ListOptions } from './connection.ts'
import { lowerCamel } from './enums.ts'
import { MalformedAnswerError } from './errors.ts'
import type { Transport } from './http.ts'
import { stringifyJson } from './json.ts'
import type { Listing } from './management.ts'

const MAX_PAGES = 100_000
const MAX_EMPTY_PAGES = 100
/** What makes an element usable whatever `fields` asks for. */
const IDENTITY = ['id', 'restid', 'self', 'name', 'resourceType']
/** Servers spell these in their own ways, so filters on them are applied on this side alone. */
const STATES = new Set(['status', 'health', 'statusReason', 'schedulerStatus', 'metricKind', 'metricType'])

/** What a collection is: the member that holds its elements, and their schema. */
export interface Collection<S extends z.ZodType> {
  readonly key: string
  readonly schema: S
}

/** A listing whose elements come from a generator that is started anew for each use. */
export function listing<T>(generate: () => AsyncGenerator<T>): Listing<T> {
  const collect = async (): Promise<T[]> => {
    const all: T[] = []
    for await (const element of generate()) all.push(element)
    return all
  }
  return {
    [Symbol.asyncIterator]: generate,
    then: (resolve, reject) => collect().then(resolve, reject),
  }
}

/**
 * All elements of a collection, page by page: by `next` where the server links its pages, by counting where it does not.
 * @throws MalformedAnswerError if the pages go in circles
 */
export async function* elements<S extends z.ZodType>(
  transport: Transport,
  link: string,
  collection: Collection<S>,
  options: ListOptions = {},
): AsyncGenerator<z.output<S>> {
  const deadline = options.within === undefined ? undefined : now() + toMs(options.within)
  const pageSchema = z.looseObject({
    [collection.key]: z.array(collection.schema),
    total: z.number().nullish().catch(undefined),
    next: z.string().nullish(),
  })
  const seen = new Set<string>()
  let url = firstUrl(link, collection.key, options)
  let received = 0
  let empty = 0
  let previous = ''
  let linked = false
  for (let page = 1; ; page++) {
    seen.add(url)
    const answer = await transport.send({
      url,
      signal: options.signal,
      attempts: options.attempts,
      within: deadline === undefined ? undefined : `${Math.max(1, deadline - now())}ms`,
    })
    const broken = (text: string): MalformedAnswerError =>
      new MalformedAnswerError(text, { dc: transport.dc, method: 'GET', url: answer.url, status: answer.status })
    const content = readJson(answer, pageSchema)
    const items = content[collection.key] as z.output<S>[]
    received += items.length
    empty = items.length === 0 ? empty + 1 : 0
    for (const item of items) if (matches(item, options.where)) yield item

    const { next, total } = content
    if (typeof next === 'string' && next !== '') {
      if (seen.has(next)) throw broken('the pages go in circles: `next` leads back to one that was read.')
      if (empty > MAX_EMPTY_PAGES || page >= MAX_PAGES)
        throw broken(`the pages do not end (${page} read, ${received} elements).`)
      url = next
      linked = true
      continue
    }
    const size = options.pageSize
    // More than asked for: the server does not page, and this is all. Fewer: the last page.
    if (linked || size === undefined || items.length !== size) return
    if (typeof total === 'number' && received >= total) return
    const current = stringifyJson(items)
    if (current === previous)
      throw broken('the server answers each page with the same elements: it does not know `page`.')
    previous = current
    if (page >= MAX_PAGES) throw broken(`the pages do not end (${page} read, ${received} elements).`)
    url = withQuery(firstUrl(link, collection.key, options), { page: String(page + 1) })
  }
}

/** A link with query parameters added. */
export function withQuery(link: string, parameters: Readonly<Record<string, string>>): string {
  const query = new URLSearchParams(parameters).toString()
  if (query === '') return link
  return `${link}${link.includes('?') ? '&' : '?'}${query}`
}

function firstUrl(link: string, key: string, options: ListOptions): string {
  const parameters: Record<string, string> = {}
  const sent = Object.entries(options.where ?? {}).filter(([name]) => !STATES.has(name))
  for (const [name, value] of sent) parameters[name] = typeof value === 'string' ? value : value.join(',')
  if (options.pageSize !== undefined) parameters['count'] = String(options.pageSize)
  if (options.sort !== undefined) parameters['sort'] = options.sort
  if (options.fields) {
    parameters['fields'] = [...new Set([...options.fields, ...IDENTITY, ...Object.keys(options.where ?? {})])].join(',')
  }
  if (options.listFields)
    parameters['listFields'] = [...new Set([...options.listFields, key, 'total', 'next'])].join(',')
  return withQuery(link, parameters)
}

/** Filters again on this side: servers ignore filters that they do not know. Properties that are not there cannot decide. */
function matches(item: unknown, where: ListOptions['where']): boolean {
  if (!where || typeof item !== 'object' || item === null) return true
  const properties = item as Record<string, unknown>
  return Object.entries(where).every(([name, accepted]) => {
    const value = properties[name]
    if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return true
    const list = typeof accepted === 'string' ? [accepted] : accepted
    return list.some((one) => one === String(value) || (STATES.has(name) && lowerCamel(one) === value))
  })
}
