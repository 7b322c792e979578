import { z } from 'zod'
import { readJson } from './answer.ts'
import type { Endpoint, PreparedEndpoint, ReadOptions, ReadResult } from './exchange.ts'
import type { Transport } from './http.ts'
import { parseJson } from './json.ts'
import { withQuery } from './pagination.ts'

/** Reads what an endpoint's buffer holds. */
export async function readEndpoint(
  transport: Transport,
  endpoint: Endpoint,
  options: ReadOptions = {},
): Promise<ReadResult> {
  const { max, since, ...call } = options
  const url = withQuery(endpoint.url, {
    ...(max === undefined ? {} : { [endpoint.parameters.max]: String(max) }),
    ...(since === undefined ? {} : { [endpoint.parameters.since]: String(since) }),
  })
  // A consuming read takes the tuples away: repeating it after a lost answer would hide that they are gone.
  const answer = await transport.send({ ...call, url, repeatable: false })
  const content = readJson(answer, contentSchema(transport.dialect.data))
  return { ...content, asked: answer.asked, answered: answer.answered }
}

/**
 * Tuples, dropped count and warning of the JSON text of an inspect answer, for workers that make the calls themselves.
 * @throws SyntaxError, ZodError
 */
export function parseInspected(
  text: string,
  rules: PreparedEndpoint['rules'],
): Pick<ReadResult, 'items' | 'dropped' | 'warning'> {
  return contentSchema(rules).parse(parseJson(text))
}

/** Names of members come from the dialect, so the schema does too. */
function contentSchema(rules: PreparedEndpoint['rules']) {
  const known = schemas.get(rules)
  if (known) return known
  const schema = z.looseObject({ [rules.items]: z.array(z.record(z.string(), z.unknown())) }).transform((answer) => {
    const dropped = answer[rules.dropped]
    const warnings = answer[rules.warnings]
    const warning = (Array.isArray(warnings) ? warnings : [warnings])
      .map(warningText)
      .filter((text) => text !== '')
      .join('; ')
    return {
      items: answer[rules.items] as Record<string, unknown>[],
      ...(typeof dropped === 'number' || typeof dropped === 'bigint' ? { dropped: Number(dropped) } : {}),
      ...(warning === '' ? {} : { warning }),
    }
  })
  schemas.set(rules, schema)
  return schema
}

const schemas = new WeakMap<PreparedEndpoint['rules'], z.ZodType<Pick<ReadResult, 'items' | 'dropped' | 'warning'>>>()

function warningText(warning: unknown): string {
  if (typeof warning === 'string') return warning
  if (typeof warning === 'object' && warning !== null && 'message' in warning) return String(warning.message)
  return warning === undefined || warning === null ? '' : JSON.stringify(warning)
}
