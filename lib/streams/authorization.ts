import { registerBasicCredentials, registerSecret, reveal } from '../core/index.ts'
import type { AuthorizeRequest, Credentials } from './connection.ts'

/** Headers that authorise a request. */
export type Authorize = (request: AuthorizeRequest) => Promise<Readonly<Record<string, string>>>

/** The function that gives the headers for credentials of any kind. What it gives is known to redaction. */
export function authorization(credentials: Credentials): Authorize {
  if ('certificate' in credentials) return () => Promise.resolve({})
  if ('authorize' in credentials) {
    return async (request) => {
      const headers = await credentials.authorize(request)
      for (const value of Object.values(headers)) {
        registerSecret(value)
        registerSecret(value.replace(/^\S+\s+/, ''))
      }
      return headers
    }
  }
  const { username, password } = credentials
  registerBasicCredentials(username, reveal(password))
  const header = { authorization: `Basic ${Buffer.from(`${username}:${reveal(password)}`).toString('base64')}` }
  return () => Promise.resolve(header)
}

/** True if asking again may give other headers. */
export function canRenew(credentials: Credentials): boolean {
  return 'authorize' in credentials
}
