import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { Secret } from '../core/index.ts'
import type { ConnectionOptions, ListOptions } from './connection.ts'
import { MalformedAnswerError, UnauthorizedError } from './errors.ts'
import { openTransport } from './http.ts'
import { elements, listing } from './pagination.ts'
import { sendJson, startServer } from './testing/server.ts'

const ITEMS = { key: 'items', schema: z.looseObject({ id: z.number() }) }

function open(url: string, options: Partial<ConnectionOptions> = {}) {
  return openTransport({
    dc: 'east',
    url,
    credentials: { username: 'u', password: new Secret('pw-canary') },
    retry: { attempts: 1 },
    ...options,
  })
}

/** Serves numbers 1..total by count and page. */
function numbers(total: number, options: { withTotal?: boolean; ignore?: readonly string[]; links?: boolean } = {}) {
  return startServer((request, response) => {
    const url = new URL(request.url ?? '/', `http://${request.headers.host}`)
    const known = (name: string): string | null => (options.ignore?.includes(name) ? null : url.searchParams.get(name))
    const count = Number(known('count') ?? total)
    const page = Number(known('page') ?? 1)
    const items = Array.from({ length: total }, (_, index) => ({ id: index + 1 })).slice(
      (page - 1) * count,
      page * count,
    )
    url.searchParams.set('page', String(page + 1))
    sendJson(response, {
      items,
      ...(options.withTotal ? { total } : {}),
      ...(options.links && page * count < total ? { next: url.href } : {}),
    })
  })
}

async function all(
  url: string,
  options: ListOptions = {},
  connection: Partial<ConnectionOptions> = {},
): Promise<number[]> {
  await using transport = open(url, connection)
  const found: number[] = []
  for await (const item of elements(transport, '/numbers', ITEMS, options)) found.push(item.id)
  return found
}

const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1)

describe('pages', () => {
  it('of a server that does not page', async () => {
    await using server = await numbers(7)
    expect(await all(server.url)).toEqual(upTo(7))
    expect(server.requests).toEqual(['GET /numbers'])
  })

  it.each([
    ['with a total', { withTotal: true }, 3],
    ['without a total', {}, 4],
    ['linked by next', { links: true }, 4],
  ])('by count and page, %s', async (_, options, requests) => {
    await using server = await numbers(9, options)
    expect(await all(server.url, { pageSize: 3 })).toEqual(upTo(9))
    expect(server.requests.length).toBeLessThanOrEqual(requests)
  })

  it('a last page that is short', async () => {
    await using server = await numbers(8)
    expect(await all(server.url, { pageSize: 3 })).toEqual(upTo(8))
    expect(server.requests).toHaveLength(3)
  })

  it('of a server that ignores count', async () => {
    await using server = await numbers(9, { ignore: ['count', 'page'] })
    expect(await all(server.url, { pageSize: 3 })).toEqual(upTo(9))
    expect(server.requests).toHaveLength(1)
  })

  it('of a server that ignores page: an error, not a short answer', async () => {
    await using server = await numbers(9, { ignore: ['page'] })
    await expect(all(server.url, { pageSize: 3 })).rejects.toThrow(/does not know `page`/)
  })

  it('thousands of them', async () => {
    await using server = await numbers(2000, { links: true })
    expect(await all(server.url, { pageSize: 1 })).toHaveLength(2000)
    expect(server.requests).toHaveLength(2000)
  }, 30_000)

  it('one at a time, as they are asked for', async () => {
    await using server = await numbers(100, { links: true })
    await using transport = open(server.url)
    const list = listing(() => elements(transport, '/numbers', ITEMS, { pageSize: 10 }))
    for await (const item of list) if (item.id === 15) break
    expect(server.requests).toHaveLength(2)
    expect(await list).toHaveLength(100)
  })
})

describe('pages that go in circles', () => {
  it.each([
    ['to itself', () => '/numbers'],
    ['to an earlier one', (page: number) => (page < 3 ? `/numbers?page=${page + 1}` : '/numbers?page=2')],
  ])('%s', async (_, next) => {
    await using server = await startServer((request, response) => {
      const page = Number(new URL(request.url ?? '/', 'http://x').searchParams.get('page') ?? 1)
      sendJson(response, { items: [{ id: page }], next: next(page) })
    })
    await expect(all(server.url)).rejects.toBeInstanceOf(MalformedAnswerError)
    expect(server.requests.length).toBeLessThan(5)
  })

  it('of ever new empty ones', async () => {
    let page = 0
    await using server = await startServer((_, response) =>
      sendJson(response, { items: [], next: `/numbers?token=${++page}` }),
    )
    await expect(all(server.url)).rejects.toThrow(/the pages do not end/)
  })

  it('next to another server is read from ours', async () => {
    await using thief = await startServer((_, response) => sendJson(response, { items: [] }))
    await using server = await startServer((request, response) =>
      sendJson(
        response,
        request.url === '/p2' ? { items: [{ id: 2 }] } : { items: [{ id: 1 }], next: `${thief.url}/p2` },
      ),
    )
    expect(await all(server.url)).toEqual([1, 2])
    expect(thief.requests).toEqual([])
    await expect(all(server.url, {}, { rewriteOrigin: false })).rejects.toMatchObject({
      code: 'STREAMS_FOREIGN_ORIGIN',
    })
    expect(thief.requests).toEqual([])
  })
})

describe('queries', () => {
  it('filters, fields and sorting, with what identifies elements and pages added', async () => {
    await using server = await numbers(1)
    await all(server.url, {
      where: { name: ['a b', 'c'], status: 'running' },
      fields: ['health'],
      listFields: ['owner'],
      sort: 'asc.name',
      pageSize: 5,
    })
    const url = new URL(server.requests[0]?.slice(4) ?? '', server.url)
    expect(Object.fromEntries(url.searchParams)).toEqual({
      name: 'a b,c',
      count: '5',
      sort: 'asc.name',
      fields: 'health,id,restid,self,name,resourceType,status',
      listFields: 'owner,items,total,next',
    })
  })

  it('filters again on this side, for servers that ignore filters', async () => {
    await using server = await numbers(5)
    expect(await all(server.url, { where: { id: ['2', '4'] } })).toEqual([2, 4])
  })

  it('credentials that expire on the way end the listing with a typed error', async () => {
    let page = 0
    await using server = await startServer((_, response) =>
      ++page > 3
        ? sendJson(response, '', 401)
        : sendJson(response, { items: [{ id: page }], next: `/numbers?page=${page + 1}` }),
    )
    await using transport = open(server.url)
    const found: number[] = []
    const walk = async (): Promise<void> => {
      for await (const item of elements(transport, '/numbers', ITEMS)) found.push(item.id)
    }
    await expect(walk()).rejects.toBeInstanceOf(UnauthorizedError)
    expect(found).toEqual([1, 2, 3])
  })

  it('within bounds the whole listing', async () => {
    let page = 0
    await using server = await startServer((_, response) => {
      setTimeout(() => sendJson(response, { items: [{ id: ++page }], next: `/numbers?page=${page}` }), 20)
    })
    await expect(all(server.url, { within: '150ms' })).rejects.toMatchObject({ code: 'STREAMS_REQUEST_TIMEOUT' })
  })
})
