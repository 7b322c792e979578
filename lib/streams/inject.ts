import { AbortedError, now } from '../core/index.ts'
import type { Answer } from './answer.ts'
import { StreamsError } from './errors.ts'
import type { Endpoint, InjectOptions, InjectResult, PreparedEndpoint, Tuple } from './exchange.ts'
import type { Transport } from './http.ts'
import { checkRecords } from './record-schema.ts'

/** Sends one batch, once, and says what is known of its fate. */
export async function injectBatch(
  transport: Transport,
  endpoint: Endpoint,
  items: readonly Tuple[],
  options: InjectOptions = {},
): Promise<InjectResult> {
  const rules = transport.dialect.data
  if (endpoint.schema && (options.validate ?? true)) {
    checkRecords(endpoint.schema, items, `${transport.dc}: tuples for ${endpoint.operator}`)
  }
  const { signal, within } = options
  const sentAt = now()
  const end = (
    outcome: InjectResult['outcome'],
    reason: string,
    more: { status?: number | undefined; retryAfterMs?: number | undefined } = {},
  ): InjectResult => ({
    outcome,
    reason,
    sentAt,
    doneAt: now(),
    ...(more.status === undefined ? {} : { status: more.status }),
    ...(more.retryAfterMs === undefined ? {} : { retryAfterMs: more.retryAfterMs }),
  })
  try {
    const answer = await transport.send({
      method: 'POST',
      url: endpoint.url,
      json: { [rules.items]: items },
      signal,
      within,
      ...(within === undefined ? {} : { attemptWithin: within }),
      attempts: 1,
      repeatable: false,
    })
    const { outcome, reason } = injectOutcome(rules, answer.status, answer.headers['content-type'], textOf(answer))
    return end(outcome, reason, { status: answer.status })
  } catch (error) {
    if (error instanceof AbortedError) {
      const reached = error.details['mayHaveReached'] !== false
      return end(
        reached ? 'indeterminate' : 'refused',
        `aborted ${reached ? 'before the answer came' : 'before it was sent'}`,
      )
    }
    if (!(error instanceof StreamsError)) throw error
    const { status, retryAfterMs, message } = error
    if (!error.mayHaveReached) return end('refused', message, { status, retryAfterMs })
    return end(status !== undefined && rules.refused.includes(status) ? 'refused' : 'indeterminate', message, {
      status,
      retryAfterMs,
    })
  }
}

/**
 * What an answer of an inject call means, by the dialect. A web page with status 200 is no acknowledgement: it comes from
 * something that is not the data service.
 */
export function injectOutcome(
  rules: PreparedEndpoint['rules'],
  status: number,
  contentType: string | undefined,
  body = '',
): Pick<InjectResult, 'outcome' | 'reason'> {
  const success = rules.acknowledged.length === 0 ? status >= 200 && status < 300 : rules.acknowledged.includes(status)
  if (success) {
    return contentType?.includes('html') || /^\s*<(!doctype|html)/i.test(body)
      ? { outcome: 'indeterminate', reason: `status ${status}, but with a web page: not an answer of the data service` }
      : { outcome: 'acknowledged', reason: `status ${status}` }
  }
  const text = body.replace(/\s+/g, ' ').trim().slice(0, 200)
  return {
    outcome: rules.refused.includes(status) ? 'refused' : 'indeterminate',
    reason: `status ${status}${text === '' ? '' : `: ${text}`}`,
  }
}

function textOf(answer: Answer): string {
  return answer.body.toString('utf8', 0, 1024)
}
