import { expect, it } from 'vitest'
import { registerSecret } from '../core/index.ts'
import { redactErrors } from './redact-errors.ts'
import { registerSecrets } from './secrets.ts'

it('cleans messages, stacks, causes and details, in place', () => {
  registerSecret('hunter2-hunter2')
  const error = Object.assign(new Error('no entry with hunter2-hunter2', { cause: new Error('hunter2-hunter2') }), {
    details: { url: 'https://a:hunter2-hunter2@host', list: ['hunter2-hunter2'] },
  })
  redactErrors([error])
  expect(JSON.stringify([error.message, error.stack, error.details, (error.cause as Error).message])).not.toContain(
    'hunter2',
  )
  expect(error.message).toBe('no entry with [secret]')
})

it('knows secrets by the names of their variables', () => {
  const names = registerSecrets({
    env: { FAILOVER_EAST_PASSWORD: 'of-east-9', SOME_TOKEN: 'token-9', PATH: '/bin', EMPTY_SECRET: '' },
    file: null,
  })
  expect([...names].sort()).toEqual(['FAILOVER_EAST_PASSWORD', 'SOME_TOKEN'])
  const error = new Error('of-east-9 token-9 /bin')
  redactErrors([error])
  expect(error.message).toBe('[secret] [secret] /bin')
})
