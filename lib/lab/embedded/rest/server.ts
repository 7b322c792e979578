import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { messageOf } from '../../../core/index.ts'
import { basicCheck, httpsServer, readBody } from '../http.ts'
import type { SiteDialect } from '../plan.ts'
import { notFound, Refusal } from '../site/refusal.ts'
import type { Site } from '../site/site.ts'
import type { Answer, Urls } from './context.ts'
import { jobReads } from './job-reads.ts'
import { portReads } from './port-reads.ts'
import { router } from './router.ts'
import { siteReads } from './site-reads.ts'
import { snapshotReads } from './snapshot-reads.ts'
import { writes } from './writes.ts'
import { sendHalf, wrongAnswer } from './wrong.ts'

const BASE = '/streams'
const LARGEST_BODY = 64 * 1024 * 1024

/** The management API of a site: HTTPS, Basic authentication, JSON. */
export function managementServer(site: Site): Server {
  const { plan, tls } = site.boot
  const authorised = basicCheck(site.identity.username, site.identity.password)
  const route = router([...siteReads, ...jobReads, ...portReads, ...snapshotReads, ...writes])
  const bases = [plan.dialect.basePath, BASE].filter((base) => base !== undefined)
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    if (!authorised(request)) throw new Refusal(401, 'CDISW5001E', 'The user name or the password is not valid.')
    const origin = `https://${request.headers.host ?? '127.0.0.1'}`
    const self = new URL(request.url ?? '/', origin)
    const base = bases.find((candidate) => self.pathname.startsWith(`${candidate}/`))
    if (base === undefined) throw unknownUrl(self)
    const segments = segmentsOf(self.pathname.slice(base.length + 1))
    const match = route(request.method ?? '', segments)
    if (match.found === 'nothing') throw unknownUrl(self)
    if (match.found === 'path') throw new Refusal(405, 'CDISA5018E', `${request.method} is not allowed for this URL.`)
    const { params, handle } = match
    checkParents(site, params, segments.length > 2 && segments[2] !== 'actions')
    const body = request.method === 'GET' ? Buffer.alloc(0) : await readBody(request, LARGEST_BODY)
    if (!body) throw new Refusal(413, 'CDISA5037E', 'The body of the request is too long.')
    const contentType = request.headers['content-type'] ?? ''
    const links: Urls = { at: (path) => `${origin}${base}/${path}`, word: speller(plan.dialect) }
    return handle({ site, params, self, user: site.identity.username, contentType, body, links })
  }
  return httpsServer(tls, (request, response) => {
    const { wrong } = site
    if (wrong !== undefined && wrong !== 'half-body') return send(request, response, wrongAnswer(wrong), false)
    const half = wrong === 'half-body'
    answer(request).then(
      (given) => send(request, response, given, half),
      (error: unknown) => send(request, response, problem(error, plan.dialect), half),
    )
  })
}

function segmentsOf(path: string): string[] {
  try {
    return path.split('/').filter(Boolean).map(decodeURIComponent)
  } catch {
    throw new Refusal(400, 'CDISW5002E', `The path has a wrong format: ${path}`)
  }
}

function unknownUrl(url: URL): Refusal {
  return new Refusal(404, 'CDISA5018E', `The requested URL was not found on this server: ${url.pathname}`)
}

/** The domain and the instance of a path must be this site's; below the instance it must be started. */
function checkParents(site: Site, params: Readonly<Record<string, string>>, below: boolean): void {
  const { domain, instance } = params
  if (domain !== undefined && domain !== site.identity.domain) throw notFound('domain', domain)
  if (instance === undefined) return
  if (instance !== site.identity.instance) {
    const text = `The ${instance} instance does not exist in the ${site.identity.domain} domain.`
    throw new Refusal(404, 'CDISA5071E', text)
  }
  if (below) site.requireStarted()
}

function speller(dialect: SiteDialect): (value: string) => string {
  if (dialect.enums !== 'upperSnake') return (value) => value
  return (value) => value.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
}

function problem(error: unknown, dialect: SiteDialect): Answer {
  const refusal =
    error instanceof Refusal
      ? error
      : new Refusal(500, 'CDISW5001E', `An unexpected error occurred: ${messageOf(error)}`)
  const message = { id: refusal.id, message: `${refusal.id} ${refusal.message}` }
  return { status: refusal.status, json: dialect.errors === 'flat' ? message : { messages: [message] } }
}

function send(request: IncomingMessage, response: ServerResponse, answer: Answer, half: boolean): void {
  if (response.destroyed) return
  response.statusCode = answer.status
  if (answer.status === 401) response.setHeader('www-authenticate', 'Basic realm="streams"')
  // An answer given before the body was read leaves bytes on the connection that nobody wants.
  if (!request.complete && request.method !== 'GET') response.setHeader('connection', 'close')
  if ('json' in answer || 'body' in answer) {
    const body = 'json' in answer ? JSON.stringify(answer.json) : answer.body
    response.setHeader('content-type', 'json' in answer ? 'application/json' : answer.type)
    if (half) return sendHalf(response, Buffer.from(body))
    response.setHeader('content-length', Buffer.byteLength(body))
    response.end(request.method === 'HEAD' ? undefined : body)
  } else if (half) response.destroy()
  else response.end()
}
