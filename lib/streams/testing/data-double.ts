import type { IncomingMessage, ServerResponse } from 'node:http'
import { readRequest, sendJson, startServer, type TestServer } from './server.ts'

/** Ways in which a data service may differ from the default dialect, and misbehave. */
export interface DataDoubleOptions {
  readonly origin?: string
  /** What an inject answers; default status 200 and a small object. */
  readonly onInject?: (request: IncomingMessage, response: ServerResponse) => void
  /** What a read answers. */
  readonly onRead?: (url: URL, response: ServerResponse, request: IncomingMessage) => void
  readonly items?: string
  readonly openapi?: boolean
  /** False: the listing names jobs and documents only. */
  readonly endpoints?: boolean
}

/** A data service with one job: `Main.Ingest` takes tuples, `Main.Results` gives them. */
export async function startDataDouble(
  options: DataDoubleOptions = {},
): Promise<TestServer & { readonly injected: unknown[] }> {
  const injected: unknown[] = []
  const items = options.items ?? 'items'
  const server = await startServer(async (request, response) => {
    const origin = options.origin ?? `http://${request.headers.host}`
    const url = new URL(request.url ?? '/', origin)
    const inject = '/data/1/Main.Ingest/ports/output/0'
    const inspect = '/data/1/Main.Results/ports/input/0'
    if (url.pathname === '/') {
      return sendJson(response, {
        jobs: [
          {
            jobId: 1,
            jobName: 'app',
            openapi: { json: `${origin}/data/1/openapi.json` },
            ...(options.endpoints === false
              ? {}
              : {
                  endpoints: [
                    {
                      operator: 'Main.Ingest',
                      port: 0,
                      direction: 'inject',
                      http: `${origin}${inject}`,
                      webSocket: 'wss://x/y',
                    },
                    { operator: 'Main.Results', port: 0, direction: 'inspect', http: `${origin}${inspect}` },
                  ],
                }),
          },
        ],
      })
    }
    if (url.pathname === '/data/1/openapi.json' && options.openapi !== false)
      return sendJson(response, document(items, inject, inspect))
    if (url.pathname === inject && request.method === 'POST') {
      if (options.onInject) return options.onInject(request, response)
      injected.push((await readRequest(request)).toString())
      return sendJson(response, {})
    }
    if (url.pathname === inspect) {
      if (options.onRead) return options.onRead(url, response, request)
      return sendJson(response, { [items]: [{ seq: 1 }] })
    }
    return sendJson(response, { messages: [{ id: 'CDISA5018E', message: 'not on this server' }] }, 404)
  })
  return Object.assign(server, { injected })
}

function document(items: string, inject: string, inspect: string): unknown {
  const tuple = {
    type: 'object',
    properties: {
      seq: { type: 'integer', format: 'int64' },
      checksum: { type: 'integer', format: 'uint32' },
      home: { type: 'string', enum: ['east', 'west'] },
      note: { type: 'string', nullable: true },
    },
  }
  const list = {
    type: 'object',
    properties: { [items]: { type: 'array', items: { $ref: '#/components/schemas/Tuple' } } },
  }
  const content = { 'application/json': { schema: { $ref: '#/components/schemas/Tuples' } } }
  return {
    openapi: '3.0.3',
    components: { schemas: { Tuple: tuple, Tuples: list } },
    paths: {
      '/data/1/openapi.json': { get: { tags: ['Documentation'] } },
      [inject]: { post: { requestBody: { content } } },
      [inspect]: {
        parameters: [{ name: 'since', in: 'query' }],
        get: { parameters: [{ name: 'max', in: 'query' }], responses: { 200: { content } } },
      },
    },
  }
}
