import type { AnyAuthMethod, AuthenticationType, KeyboardInteractiveAuthMethod, ParsedKey } from 'ssh2'
import { reveal } from '../core/index.ts'
import { AuthenticationError } from './errors.ts'
import type { SshSettings } from './settings.ts'

/** Who we say we are, one method after the other, and what became of each. */
export interface Authentication {
  /** The next method, or false when there is none left. */
  next(offered: readonly string[] | null, partial: boolean | null): AnyAuthMethod | false
  /** Something went wrong with a method; the next one is tried. */
  note(problem: string): void
  /** No method is left. */
  exhausted(): boolean
  error(place: string, why?: string): AuthenticationError
}

interface Candidate {
  /** As messages call it. */
  readonly name: string
  /** As the protocol calls it. */
  readonly needs: AuthenticationType
  readonly method: () => AnyAuthMethod
}

/**
 * The methods that the settings allow for, in the order key, agent, password.
 * @throws AuthenticationError if there is none, or the key cannot be read
 */
export function authenticationOf(
  settings: SshSettings,
  place: string,
  parseKey: (key: string, passphrase?: string) => ParsedKey | Error,
): Authentication {
  const candidates = candidatesOf(settings, place, parseKey)
  if (candidates.length === 0) {
    throw new AuthenticationError(`There is nothing to log in to ${place} with.`, {
      remedy: 'Give the host a private key, the socket of an agent, or a password.',
    })
  }
  const left = [...candidates]
  const tried: string[] = []
  const problems: string[] = []
  let offered: readonly string[] | null = null
  let over = false
  return {
    next(nowOffered, partial) {
      if (nowOffered) offered = nowOffered
      if (partial)
        problems.push(`${tried.at(-1) ?? 'a first method'} was accepted, but the server wants another one too`)
      for (let candidate = left.shift(); candidate; candidate = left.shift()) {
        if (nowOffered && !nowOffered.includes(candidate.needs)) {
          problems.push(`${candidate.name}: not offered by the server`)
          continue
        }
        tried.push(candidate.name)
        return candidate.method()
      }
      over = true
      return false
    },
    note: (problem) => void problems.push(`${tried.at(-1) ?? 'authentication'}: ${problem}`),
    exhausted: () => over,
    error: (target, why) =>
      new AuthenticationError(
        `${target} did not accept the login${why ? `: ${why}` : ''}. Tried: ${tried.join(', ') || 'nothing'}. ` +
          `The server offers: ${offered?.join(', ') ?? 'it did not say'}.` +
          (problems.length > 0 ? ` Seen: ${problems.join('; ')}.` : ''),
        {
          remedy: /too many/i.test(why ?? '')
            ? 'The agent holds more keys than the server lets us try: give the host its own private key.'
            : 'Check the user name, that its key is in authorized_keys there, and which methods its sshd allows.',
          details: { tried: [...tried], offered: offered ? [...offered] : null },
        },
      ),
  }
}

function candidatesOf(
  settings: SshSettings,
  place: string,
  parseKey: (key: string, passphrase?: string) => ParsedKey | Error,
): Candidate[] {
  const { username, privateKey, passphrase, agent, password } = settings
  const candidates: Candidate[] = []
  if (privateKey) {
    const key = parseKey(reveal(privateKey), passphrase && reveal(passphrase))
    const parsed = Array.isArray(key) ? (key[0] as ParsedKey | Error) : key
    if (parsed instanceof Error || !parsed.isPrivateKey()) throw unreadableKey(place, parsed, passphrase !== undefined)
    candidates.push({
      name: `private key (${parsed.type})`,
      needs: 'publickey',
      method: () => ({ type: 'publickey', username, key: parsed }),
    })
  }
  if (agent !== undefined) {
    candidates.push({ name: `agent ${agent}`, needs: 'publickey', method: () => ({ type: 'agent', username, agent }) })
  }
  if (password) {
    const text = reveal(password)
    candidates.push({
      name: 'password',
      needs: 'password',
      method: () => ({ type: 'password', username, password: text }),
    })
    // Each hidden question is answered with the password once: more would only count as failed logins.
    let answered = false
    const prompt: KeyboardInteractiveAuthMethod['prompt'] = (_name, _instructions, _language, prompts, finish) => {
      finish(prompts.map((question) => (question.echo || answered ? '' : text)))
      answered ||= prompts.some((question) => !question.echo)
    }
    candidates.push({
      name: 'keyboard-interactive (with the password)',
      needs: 'keyboard-interactive',
      method: () => ({ type: 'keyboard-interactive', username, prompt }),
    })
  }
  return candidates
}

function unreadableKey(place: string, parsed: ParsedKey | Error, hasPassphrase: boolean): AuthenticationError {
  const why = parsed instanceof Error ? parsed.message : 'it is a public key'
  const encrypted = /encrypted|passphrase|integrity/i.test(why)
  return new AuthenticationError(`The private key for ${place} cannot be used: ${why}.`, {
    remedy: encrypted
      ? hasPassphrase
        ? 'Check its passphrase.'
        : 'It is encrypted: give its passphrase too.'
      : 'Give the whole text of a private key in PEM or OpenSSH format.',
  })
}
