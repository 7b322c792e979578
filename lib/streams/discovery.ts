import { z } from 'zod'
import { mapLimited } from './concurrency.ts'
import type { CallOptions } from './connection.ts'
import type { DataDialect } from './dialect.ts'
import { MalformedAnswerError, NotFoundError } from './errors.ts'
import type { Discovery, Endpoint } from './exchange.ts'
import type { Transport } from './http.ts'
import { openApiSchema, operationAt, operations, type OpenApi, type OperationDescription } from './openapi.ts'

const AT_ONCE = 4
const idSchema = z.union([z.string(), z.number(), z.bigint()]).transform(String)

/** Jobs and endpoints by the listing of the data service; schemas and parameters by the OpenAPI document of each job. */
export async function discover(
  transport: Transport,
  options: CallOptions & { readonly job?: string } = {},
): Promise<Discovery> {
  const { job: wanted, ...call } = options
  const names = transport.dialect.data
  const listed = await transport.json(listingSchema(names), { ...call, url: transport.exact })
  const selected = listed.filter((job) => wanted === undefined || job.name === wanted || job.id === wanted)
  const jobs = await mapLimited(selected, AT_ONCE, async (job) => {
    const description =
      job.openapi === undefined ? undefined : await readOpenApi(transport, job.openapi, job.name, call)
    return { name: job.name, id: job.id, endpoints: endpointsOf(transport, job, description) }
  })
  return { jobs }
}

interface Description {
  readonly document: OpenApi
  readonly operations: readonly OperationDescription[]
}

interface ListedJob {
  readonly id: string
  readonly name: string
  readonly openapi: string | undefined
  readonly endpoints: readonly Record<string, unknown>[] | undefined
}

async function readOpenApi(
  transport: Transport,
  link: string,
  job: string,
  options: CallOptions,
): Promise<Description | undefined> {
  try {
    const document = await transport.json(openApiSchema, { ...options, url: link })
    return { document, operations: operations(document, transport.dialect.data.items) }
  } catch (error) {
    if (!(error instanceof NotFoundError || error instanceof MalformedAnswerError)) throw error
    transport.notice(
      `the API description of job ${job} cannot be read, so its tuples are not checked: ${error.message}`,
    )
    return undefined
  }
}

function endpointsOf(transport: Transport, job: ListedJob, description: Description | undefined): Endpoint[] {
  const names = transport.dialect.data
  const listed = job.endpoints ?? (description ? endpointsByDescription(description.operations, names) : [])
  return listed.map((entry): Endpoint => {
    const inject = entry[names.direction] === names.inject
    const url = transport.resolve(String(entry[names.http]), inject ? 'POST' : 'GET')
    const operation =
      description && operationAt(description.document, description.operations, url, inject ? 'post' : 'get')
    const pick = (candidates: readonly string[]): string =>
      candidates.find((name) => operation?.parameters.includes(name)) ?? candidates[0] ?? ''
    const webSocket = entry[names.webSocket]
    return {
      job: job.name,
      jobId: job.id,
      operator: String(entry[names.operator]),
      port: Number(entry[names.port] ?? 0),
      direction: inject ? 'inject' : 'inspect',
      url,
      ...(typeof webSocket === 'string' ? { webSocketUrl: webSocket } : {}),
      ...(operation?.schema ? { schema: operation.schema } : {}),
      parameters: { max: pick(names.maxParameter), since: pick(names.sinceParameter) },
    }
  })
}

/** Entries as a listing has them, from the paths of the description, for services that list jobs only. */
function endpointsByDescription(found: readonly OperationDescription[], names: DataDialect): Record<string, unknown>[] {
  return found.map(({ path, method }) => {
    const parts = path
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent)
    const port = [...parts].reverse().find((part) => /^\d+$/.test(part))
    const words = parts.filter(
      (part) =>
        !/^\d+$/.test(part) && !/^(ports?|input|output|inject|inspect|tuples|inputports|outputports)$/i.test(part),
    )
    return {
      [names.operator]: words.at(-1) ?? path,
      [names.port]: Number(port ?? 0),
      [names.direction]: method === 'post' ? names.inject : names.inspect,
      [names.http]: path,
    }
  })
}

function listingSchema(names: DataDialect) {
  const endpoint = z
    .looseObject({ [names.operator]: z.string(), [names.http]: z.string() })
    .refine((entry) => entry[names.direction] === names.inject || entry[names.direction] === names.inspect, {
      message: `expected ${names.direction} to be ${names.inject} or ${names.inspect}`,
    })
  const job = z
    .looseObject({ [names.endpoints]: z.array(endpoint).optional() })
    .transform((entry, context): ListedJob => {
      const id = idSchema.safeParse(entry[names.jobId])
      const name = z.string().safeParse(entry[names.jobName])
      if (!id.success && !name.success)
        context.addIssue({ code: 'custom', message: `expected ${names.jobId} or ${names.jobName}` })
      let openapi: unknown = entry
      for (const part of names.openapi) {
        openapi = isObject(openapi) ? openapi[part] : openapi
      }
      return {
        id: id.data ?? '',
        name: name.data ?? id.data ?? '',
        openapi: typeof openapi === 'string' ? openapi : undefined,
        endpoints: entry[names.endpoints],
      }
    })
  return z.looseObject({ [names.jobs]: z.array(job) }).transform((listing) => listing[names.jobs] as ListedJob[])
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
