/**
 * A program for tests: takes the lock of an environment on this machine, says so, and holds it until its input ends. Arguments:
 * directory, environment, holder, time to live, time to wait.
 */
import { messageOf, type Duration } from '../core/index.ts'
import { localShell } from '../hosts/index.ts'
import { acquireEnvironmentLock } from './lock.ts'

const [directory = '', environment = '', holder = '', ttl = '1s', wait = '0s'] = process.argv.slice(2)
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
try {
  const lock = await acquireEnvironmentLock({
    shell: localShell(),
    directory,
    environment,
    holder,
    ttl: ttl as Duration,
    wait: wait as Duration,
    onWaiting: (held) => say(`waiting for ${held.holder}`),
    onLost: (error) => say(`lost: ${error.message}`),
  })
  say('locked')
  process.stdin.resume()
  await new Promise((resolve) => process.stdin.once('end', resolve))
  await lock[Symbol.asyncDispose]()
  say('released')
} catch (error) {
  say(`refused: ${messageOf(error)}`)
  process.exitCode = 1
}
