import type { Attribute } from '../site/bundle-file.ts'
import type { Job } from '../site/job.ts'
import { endpointPath, type Endpoint } from './endpoints.ts'

/** The OpenAPI 3 document of a job's endpoints, as the data service generates it when the job is submitted. */
export function openApi(job: Job, endpoints: readonly Endpoint[], origin: string, injectSuccess: number): unknown {
  const paths: Record<string, unknown> = {
    [`/jobs/${job.stored.id}/openapi.json`]: {
      get: { tags: ['Documentation'], summary: 'This document', responses: { 200: { description: 'OpenAPI' } } },
    },
  }
  for (const endpoint of endpoints) {
    const schema = { type: 'object', required: ['items'], properties: { items: itemsSchema(endpoint.schema) } }
    paths[endpointPath(endpoint)] =
      endpoint.direction === 'inject' ? injectOperation(endpoint, schema, injectSuccess) : inspectOperation(endpoint)
  }
  return {
    openapi: '3.0.3',
    info: { title: job.stored.name, version: job.bundle.applicationVersion, description: job.bundle.application },
    servers: [{ url: origin }],
    security: [{ basic: [] }],
    components: { securitySchemes: { basic: { type: 'http', scheme: 'basic' } } },
    paths,
  }
}

function injectOperation(endpoint: Endpoint, schema: object, success: number): unknown {
  return {
    post: {
      operationId: `inject_${endpoint.operator}_${endpoint.port}`,
      summary: `Tuples for ${endpoint.operator}: acknowledged all together, or refused all together.`,
      requestBody: { required: true, content: { 'application/json': { schema } } },
      responses: {
        [success]: { description: 'Every tuple is acknowledged, as the submission parameter acknowledge says.' },
        400: { description: 'The body does not fit the schema; nothing entered.' },
        404: { description: 'The processing element is not running; nothing entered.' },
        409: { description: 'This data centre does not do this work; nothing entered.' },
        413: { description: 'The body is too long; nothing entered.' },
        415: { description: 'The body is not application/json; nothing entered.' },
        429: { description: 'The buffer is full; nothing entered.' },
        503: { description: 'In doubt: tuples may have entered.' },
      },
    },
  }
}

function inspectOperation(endpoint: Endpoint): unknown {
  const answer = {
    type: 'object',
    required: ['items'],
    properties: {
      items: itemsSchema(endpoint.schema),
      warnings: { type: 'array', items: { type: 'string' } },
      droppedTuples: { type: 'integer', description: 'Dropped unread since the start time, or since the last answer' },
      totalDroppedTuples: { type: 'integer', description: 'Dropped unread since the operator started' },
    },
  }
  return {
    get: {
      operationId: `inspect_${endpoint.operator}_${endpoint.port}`,
      parameters: [
        { name: 'maxItems', in: 'query', required: false, schema: { type: 'integer', minimum: 1 } },
        {
          name: 'startTime',
          in: 'query',
          required: false,
          description:
            'Milliseconds since the epoch: tuples that came earlier are left out (where reads do not consume)',
          schema: { type: 'integer', format: 'int64' },
        },
      ],
      responses: {
        200: { description: 'Buffered tuples, oldest first', content: { 'application/json': { schema: answer } } },
        404: { description: 'The processing element is not running' },
      },
    },
  }
}

function itemsSchema(schema: readonly Attribute[]): unknown {
  const properties = Object.fromEntries(schema.map(({ name, type }) => [name, attributeSchema(type)]))
  return { type: 'array', items: { type: 'object', required: schema.map(({ name }) => name), properties } }
}

function attributeSchema(type: string): unknown {
  if (type === 'boolean') return { type }
  if (type.includes('string')) return { type: 'string', 'x-spl-type': type }
  if (type.startsWith('float') || type === 'timestamp') return { type: 'number', format: 'double', 'x-spl-type': type }
  const minimum = type.startsWith('uint') ? { minimum: 0 } : {}
  return { type: 'integer', format: type.endsWith('64') ? 'int64' : 'int32', ...minimum, 'x-spl-type': type }
}
