import { ConfigurationError } from '../core/index.ts'
import { ForeignOriginError } from './errors.ts'

/** Where a service is, as configured or as found later. Turns links of answers into URLs that may be called. */
export interface Address {
  /** Base URL without a slash at its end. */
  readonly base: string
  /** Base URL as it was given. */
  readonly exact: string
  /** Moves to another base URL. */
  moveTo(url: string): void
  /** Replaces the path of the base URL. */
  usePath(path: string): void
  /**
   * The URL to call for a link. One that names another origin is sent to ours (`rewriteOrigin`) or refused: credentials never
   * go to a server that the user did not name.
   * @throws ForeignOriginError
   */
  resolve(link: string, method: string): URL
  /** URL of a path below the base. */
  below(path: string): string
}

/**
 * @throws ConfigurationError for a URL that is none, holds credentials, or is not http(s)
 */
export function openAddress(dc: string, url: string, rewriteOrigin: boolean): Address {
  let current = parseBase(dc, url)
  return {
    get base() {
      return current.href.replace(/\/+$/, '')
    },
    get exact() {
      return current.href
    },
    moveTo(next) {
      current = parseBase(dc, next)
    },
    usePath(path) {
      current = new URL(path, current.origin)
    },
    below(path) {
      return `${current.href.replace(/\/+$/, '')}/${path.replace(/^\/+/, '')}`
    },
    resolve(link, method) {
      if (!URL.canParse(link, current.href)) {
        throw new ForeignOriginError(`the link ${JSON.stringify(link.slice(0, 200))} is not a URL.`, {
          dc,
          method,
          url: current.href,
        })
      }
      const target = new URL(link, `${current.href.replace(/\/+$/, '')}/`)
      if (target.origin !== current.origin) {
        if (!rewriteOrigin || !/^https?:$/.test(target.protocol)) {
          throw new ForeignOriginError(`the link leads to ${target.origin}, which is not ${current.origin}.`, {
            dc,
            method,
            url: target.href,
            remedy: 'Leave `rewriteOrigin` on to call the configured server instead, or correct `url`.',
          })
        }
        return new URL(`${current.origin}${target.pathname}${target.search}`)
      }
      target.username = ''
      target.password = ''
      target.hash = ''
      return target
    },
  }
}

function parseBase(dc: string, text: string): URL {
  const remedy = 'Give it as `https://host:port/streams`, with user and password as `credentials`.'
  if (!URL.canParse(text)) throw new ConfigurationError(`The URL of ${dc} is not a URL.`, { remedy })
  const url = new URL(text)
  if (!/^https?:$/.test(url.protocol)) {
    throw new ConfigurationError(`The URL of ${dc} begins with ${url.protocol}// instead of https://.`, { remedy })
  }
  if (url.username !== '' || url.password !== '') {
    throw new ConfigurationError(`The URL of ${dc} holds credentials, which URLs leak into logs.`, { remedy })
  }
  url.search = ''
  url.hash = ''
  return url
}
