import { asObject } from '../parse.ts'

/** An element as REST shows it. */
export type Element = Readonly<Record<string, unknown>>

/** An element with the ids of what it belongs to, by which lists can be filtered: `job.restid`, `pe.restid`, … */
export interface Member {
  readonly element: Element
  readonly relations?: Readonly<Record<string, string | undefined>>
}

/** A list of elements: its array key, and the `resourceType` of an element. */
export interface Listing {
  readonly key: string
  readonly resourceType: string
  readonly members: readonly Member[]
  /** Properties beside the elements. */
  readonly more?: Readonly<Record<string, unknown>>
}

const RESERVED = new Set(['count', 'page', 'fields', 'listFields', 'sort', 'verbose'])

/**
 * One page of a list, by the query conventions of streams-rest-api.md §3.2. Unknown parameters and unusable values are ignored.
 * @param self the absolute URL that was asked for
 */
export function page(listing: Listing, self: URL): Record<string, unknown> {
  const query = self.searchParams
  const found = sorted(
    listing.members.filter((member) => matches(member, query)),
    query.get('sort'),
  )
  const total = found.length
  const count = wholeNumber(query.get('count')) ?? 0
  const pages = count > 0 ? Math.max(1, Math.ceil(total / count)) : 1
  const asked = query.get('page') === '-1' ? pages : (wholeNumber(query.get('page')) ?? 1)
  const number = count > 0 ? Math.max(1, asked) : 1
  const shown = count > 0 ? found.slice((number - 1) * count, number * count) : found
  const fields = query.get('fields')
  const answer: Record<string, unknown> = {
    [listing.key]: shown.map(({ element }) => (fields ? select(element, fields.split(',')) : element)),
    resourceType: `${listing.resourceType}List`,
    total,
    ...listing.more,
  }
  if (count > 0 && number < pages) answer['next'] = withPage(self, number + 1)
  if (count > 0 && number > 1 && number <= pages + 1) answer['previous'] = withPage(self, number - 1)
  const listFields = query.get('listFields')
  return listFields ? select(answer, listFields.split(',')) : answer
}

/** Only the named properties of an element; `object.member` names one member of an object. */
export function select(element: Element, fields: readonly string[]): Record<string, unknown> {
  const chosen: Record<string, unknown> = {}
  for (const field of fields) {
    const [name = '', ...path] = field.split('.')
    if (!(name in element)) continue
    const nested = asObject(element[name])
    if (path.length === 0) chosen[name] = element[name]
    else if (nested) chosen[name] = { ...asObject(chosen[name]), ...select(nested, [path.join('.')]) }
  }
  return chosen
}

function matches({ element, relations }: Member, query: URLSearchParams): boolean {
  for (const [name, value] of query) {
    if (RESERVED.has(name)) continue
    const own = relations && name in relations ? relations[name] : element[name]
    const comparable = typeof own === 'string' || typeof own === 'number' || typeof own === 'boolean'
    if (comparable && !value.split(',').includes(String(own))) return false
  }
  return true
}

function sorted(members: readonly Member[], sort: string | null): readonly Member[] {
  if (!sort) return members
  const orders = sort.split(',').flatMap((part) => {
    const match = /^(asc|desc)\.(.+)$/.exec(part)
    return match?.[2] ? [{ sign: match[1] === 'asc' ? 1 : -1, name: match[2] }] : []
  })
  return members.toSorted((a, b) => {
    for (const { sign, name } of orders) {
      const difference = compare(a.element[name], b.element[name])
      if (difference !== 0) return sign * difference
    }
    return 0
  })
}

function compare(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return String(a).localeCompare(String(b), 'en', { numeric: true })
}

function wholeNumber(text: string | null): number | undefined {
  return text !== null && /^\d{1,15}$/.test(text) && Number(text) > 0 ? Number(text) : undefined
}

function withPage(self: URL, number: number): string {
  const url = new URL(self)
  url.searchParams.set('page', String(number))
  return url.href
}
