import { once } from 'node:events'
import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import type { TrafficError } from './errors.ts'
import { startThread } from './thread.ts'

async function start() {
  const events = new EventEmitter()
  const deaths: TrafficError[] = []
  const hello = once(events, 'message')
  const thread = await startThread<'throw' | 'exit' | 'close', unknown>({
    name: 'test',
    program: new URL('./thread.test.main.ts', import.meta.url),
    setup: { secret: 'from memory to memory' },
    onMessage: (message) => events.emit('message', message),
    onDeath: (error) => deaths.push(error),
  })
  return { thread, deaths, hello: (await hello) as unknown[] }
}

it('a thread gets its setup and nothing of the environment', async () => {
  const { thread, hello, deaths } = await start()
  expect(hello).toEqual([{ setup: { secret: 'from memory to memory' }, environment: [] }])
  thread.expectEnd()
  thread.post('close')
  await thread.ended
  expect(deaths).toEqual([])
})

it.each(['throw', 'exit', 'close'] as const)('a thread that dies by %s says so, once', async (order) => {
  const { thread, deaths } = await start()
  thread.post(order)
  await thread.ended
  expect(deaths).toHaveLength(1)
  expect(deaths[0]?.message).toMatch(/^The test thread of the traffic died: (as told|it ended with code [03])\. /)
})

it('a thread that is terminated has not died', async () => {
  const { thread, deaths } = await start()
  await thread.terminate()
  expect(deaths).toEqual([])
})
