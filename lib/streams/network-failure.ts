import { errors } from 'undici'
import { messageOf } from '../core/index.ts'
import { BodyTooLarge, BodyUnreadable } from './body.ts'
import { MalformedAnswerError, UnreachableError, type StreamsError, type StreamsErrorContext } from './errors.ts'

const TLS_CODE =
  /^(ERR_TLS|ERR_SSL|ERR_OSSL|CERT_|CRL_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|EPROTO|PATH_LENGTH|ERROR_IN_CERT|ERROR_IN_CRL|OUT_OF_MEM)/
const DNS_CODE = /^(ENOTFOUND|EAI_)/
const UNTRUSTED = /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|CERT_UNTRUSTED|INVALID_CA)/

/**
 * The typed error for a call that ended without a whole answer.
 * @param started whether the request went out on a connection: only then may the server have acted on it
 */
export function networkFailure(error: unknown, started: boolean, context: StreamsErrorContext): StreamsError {
  const code = codeOf(error)
  const facts = { ...context, cause: error, mayHaveReached: started }
  const text = messageOf(error) || code
  if (error instanceof BodyTooLarge) {
    return new MalformedAnswerError(`${text}.`, {
      ...facts,
      remedy: 'Ask for less at a time (`pageSize`, `fields`), or raise `maxAnswerBytes`.',
    })
  }
  if (error instanceof BodyUnreadable) return new MalformedAnswerError(`${text}.`, facts)
  if (error instanceof errors.HTTPParserError || code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new MalformedAnswerError(`the answer is not HTTP (${text}).`, {
      ...facts,
      remedy: 'Check scheme and port of `url`: something else answers there.',
    })
  }
  if (TLS_CODE.test(code)) {
    // An alert comes instead of the server's half of the handshake: no request was read.
    return new UnreachableError('tls', `TLS failed: ${text} (${code}).`, {
      ...facts,
      mayHaveReached: started && !/ALERT/.test(code),
      remedy: tlsRemedy(code),
    })
  }
  if (DNS_CODE.test(code)) {
    return new UnreachableError('dns', `the host name cannot be resolved (${code}).`, {
      ...facts,
      remedy: 'Check the host in `url`, and the name service of this machine.',
    })
  }
  if (started) {
    return new UnreachableError(
      'reset',
      `the connection broke before the answer was complete (${code || text}).`,
      facts,
    )
  }
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') {
    return new UnreachableError('connect-timeout', 'no connection within the time allowed.', {
      ...facts,
      remedy: 'Check that the host is up and that no firewall swallows the packets.',
    })
  }
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'UND_ERR_SOCKET') {
    return new UnreachableError('reset', `the connection was closed while it was set up (${code}).`, facts)
  }
  return new UnreachableError('refused', `no connection (${code || text}).`, {
    ...facts,
    remedy: 'Check that the service runs, and that `url` names its port (`streamtool geturl --api`).',
  })
}

/** True for the error of a pool that was destroyed while, or before, a call was made. */
export function isDestroyed(error: unknown): boolean {
  return error instanceof errors.ClientDestroyedError || error instanceof errors.ClientClosedError
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  return error instanceof AggregateError && error.errors.length > 0 ? codeOf(error.errors[0]) : codeOf(error.cause)
}

function tlsRemedy(code: string): string {
  if (UNTRUSTED.test(code)) {
    return 'Give the PEM of the CA of this data centre (or of its self-signed certificate) as `tls.ca`; `streamtool exportkeystore` exports it.'
  }
  if (code === 'CERT_HAS_EXPIRED') return 'Renew the certificate of the service, or check the clocks.'
  if (code === 'CERT_NOT_YET_VALID') return 'Check the clocks of this machine and of the server.'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return 'Use a host name that the certificate carries, or name one as `tls.servername`.'
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'EPROTO')
    return 'Check scheme and port of `url`: this port does not speak TLS.'
  if (/ALERT/.test(code)) return 'The server did not accept our side of TLS: check the client certificate and its key.'
  return 'Check `tls` in the options.'
}
