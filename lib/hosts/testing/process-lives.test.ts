import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { eventually } from '../../core/index.ts'
import { processLives } from './process-lives.ts'

it('tells a process and its group that live from those that have ended', async () => {
  const child = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' })
  const pid = child.pid ?? NaN
  expect(processLives(process.pid)).toBe(true)
  expect([processLives(pid), processLives(-pid)]).toEqual([true, true])
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
  expect([processLives(pid), processLives(-pid)]).toEqual([false, false])
})

it.runIf(process.platform === 'linux')('takes one that has ended and that nobody waits for as ended', async () => {
  // The shell becomes a program that never asks how its child ended.
  const parent = spawn('sh', ['-c', 'sleep 0 & echo $!; exec sleep 300'], { stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const [said] = (await once(parent.stdout, 'data')) as [Buffer]
    const pid = Number(said.toString())
    await eventually(
      async () => (processLives(pid) ? { done: false, seen: 'alive' } : { done: true, value: undefined }),
      { within: '10s', every: '10ms', describe: 'the child to end' },
    )
    expect(() => process.kill(pid, 0)).not.toThrow()
  } finally {
    parent.kill('SIGKILL')
  }
})
