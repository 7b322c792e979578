import { redact } from '../core/index.ts'
import { PrivilegeError } from './errors.ts'
import type { Sudo } from './launch.ts'

/** What sudo says in its own language, and what helps. Whatever else it says, {@link PrivilegeError} it is. */
const REMEDIES: readonly (readonly [RegExp, (host: string) => string])[] = [
  [/must have a tty/i, () => 'Add "Defaults !requiretty" for this user to /etc/sudoers.'],
  [/incorrect password|sorry, try again/i, () => "Check the password of the host's `sudo` setting."],
  [
    /a password is required|terminal is required|no password was provided/i,
    (host) => `Give sudo of ${host} the password, or let the user run all commands with NOPASSWD in /etc/sudoers.`,
  ],
  [
    /not in the sudoers|not allowed to (execute|run)/i,
    (host) => `Let the user run all commands as root on ${host} (/etc/sudoers), or log in as root.`,
  ],
  [/not found|no such file/i, (host) => `Install sudo on ${host}, or log in as root.`],
]

/** The error for a command that root did not get to run. */
export function privilegeError(host: string, noise: string, sudo: Sudo): PrivilegeError {
  const said = redact(noise.trim()).split('\n').slice(-4).join(' ').slice(-300)
  const found = REMEDIES.find(([pattern]) => pattern.test(said))
  const way = sudo.password ? 'with the given password' : 'without a password'
  return new PrivilegeError(
    `sudo on ${host} gave no root ${way}${said === '' ? ' and said nothing' : `: ${said}`}${/[.!?]$/.test(said) ? '' : '.'}`,
    {
      remedy:
        found?.[1](host) ??
        `Let the user run all commands as root on ${host} (NOPASSWD in /etc/sudoers), or log in as root.`,
    },
  )
}
