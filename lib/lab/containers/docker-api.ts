import { request as httpRequest, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'

/** Where a Docker daemon is reached. */
export type DockerEndpoint =
  | { readonly socketPath: string }
  | {
      readonly host: string
      readonly port: number
      readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string }
    }

/** An answer of the daemon: the parsed JSON, or undefined where there was none. */
export interface DockerAnswer {
  readonly status: number
  readonly json: unknown
}

const WITHIN_MS = 30_000

/**
 * One call of Docker's HTTP API. The lab's small programs use this, which starts in milliseconds; the lab itself is made through
 * testcontainers.
 * @throws Error if the daemon cannot be reached or does not answer within 30 s; any status is an answer
 */
export function callDocker(endpoint: DockerEndpoint, method: string, path: string): Promise<DockerAnswer> {
  return new Promise((resolve, reject) => {
    const overTls = !('socketPath' in endpoint) && endpoint.tls !== undefined
    const options: RequestOptions = {
      method,
      path,
      agent: false,
      timeout: WITHIN_MS,
      headers: { host: 'docker', 'content-length': 0 },
      ...('socketPath' in endpoint ? endpoint : { host: endpoint.host, port: endpoint.port, ...endpoint.tls }),
    }
    const sent = (overTls ? httpsRequest : httpRequest)(options, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode ?? 500, json: parse(text) })
      })
    })
    sent.on('timeout', () => sent.destroy(new Error(`Docker did not answer ${method} ${path} within 30s.`)))
    sent.on('error', reject)
    sent.end()
  })
}

/** What a daemon said of its failure. */
export function saidBy({ status, json }: DockerAnswer): string {
  const message = typeof json === 'object' && json !== null && 'message' in json ? String(json.message) : ''
  return `${status}${message === '' ? '' : `: ${message}`}`
}

function parse(text: string): unknown {
  try {
    return text === '' ? undefined : JSON.parse(text)
  } catch {
    return { message: text.trim() }
  }
}
