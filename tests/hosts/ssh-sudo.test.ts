import { describe, expect, it, vi } from 'vitest'
import { Secret } from '../../lib/core/index.ts'
import { openShell, PrivilegeError } from '../../lib/hosts/index.ts'
import { needsBed } from './beds/need.ts'
import { startSshdBed } from './beds/sshd.ts'

// Real processes on a busy machine.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const within = { within: '20s' } as const

describe('machines over SSH', () => {
  const bed = needsBed('sshd', startSshdBed)

  it('give root by sudo, with and without a password, and none of it reaches the command', async () => {
    for (const user of ['deploy', 'careful'] as const) {
      await using shell = openShell(bed().hostAs(user, 'a'))
      for (let count = 0; count < 2; count++) {
        const script = { script: 'id -u; cat' }
        expect(await shell.run(script, { ...within, stdin: 'own\ninput' })).toMatchObject({
          code: 0,
          stdout: '0\nown\ninput',
          stderr: '',
        })
      }
      expect(await shell.run(['id', '-un'], { ...within, sudo: false })).toMatchObject({ stdout: `${user}\n` })
    }
    // A password where none is asked for.
    const deploy = bed().hostAs('deploy', 'a')
    await using needless = openShell({ ...deploy, sudo: { password: bed().password } })
    for (let count = 0; count < 2; count++) {
      expect(await needless.run(['cat'], { ...within, stdin: 'own' })).toMatchObject({ stdout: 'own', stderr: '' })
    }
    // Root needs none of it.
    await using root = openShell({ ...bed().hosts.a, sudo: true })
    expect(await root.run(['id', '-u'], within)).toMatchObject({ stdout: '0\n' })
  })

  it.each<[string, 'deploy' | 'careful', true | { password: Secret }, RegExp]>([
    ['a password is needed', 'careful', true, /no root without a password.*password is required.*NOPASSWD/s],
    [
      'the password is wrong',
      'careful',
      { password: new Secret('wrong one') },
      /incorrect password.*Check the password/s,
    ],
  ])('refuse root where %s', async (_what, user, sudo, message) => {
    await using shell = openShell({ ...bed().hostAs(user, 'a'), sudo })
    const error = await shell.run(['cat'], { ...within, stdin: 'secret input' }).catch((cause: unknown) => cause)
    expect(error).toBeInstanceOf(PrivilegeError)
    expect(String(error)).toMatch(message)
    expect(String(error)).not.toContain('wrong one')
  })
})
