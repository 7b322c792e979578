/**
 * The worker of a trial of the kill matrix: injects one fault, holds it and heals it, and says each step as a line of JSON with
 * the machine's monotonic time. Like a worker of Vitest it heals when its runner is gone.
 */
import { readFileSync } from 'node:fs'
import { messageOf, now, pause, Secret } from '../../../lib/core/index.ts'
import { createFaultEngine, faultKinds, type DcClients, type Fault } from '../../../lib/faults/index.ts'
import { openShells } from '../../../lib/hosts/index.ts'
import { openDataExchange, openManagement } from '../../../lib/streams/index.ts'
import { guardWorker, onWorkerEnd } from '../../../lib/vitest/worker-end.ts'
import { hostOf, type Order } from './order.ts'

const say = (step: string, detail?: string): void => {
  process.stdout.write(`${JSON.stringify({ step, at: now(), ...(detail === undefined ? {} : { detail }) })}\n`)
}

const order = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Order
// None of the kinds of the matrix calls these.
const clients = (dc: 'east' | 'west'): DcClients => {
  const nowhere = {
    dc,
    url: 'https://127.0.0.1:1',
    credentials: { username: 'nobody', password: new Secret('unused') },
  }
  return { management: openManagement({ ...nowhere, instance: 'none' }), data: openDataExchange(nowhere) }
}

guardWorker()
// A runner that is gone takes the pipe along; healing goes on.
process.stdout.on('error', () => undefined)
const shells = openShells(order.hosts.map(hostOf))
const engine = createFaultEngine({
  environment: order.environment,
  clients: { east: clients('east'), west: clients('west') },
  recorder: {
    event(event) {
      if (event.type === 'fault') say(event.state, event.detail)
    },
  },
  shells: shells.byName,
  ttl: order.ttl,
})
onWorkerEnd(async (reason) => void (await engine.healAll(reason)))
say('ready')
const kind = faultKinds.find((candidate) => candidate.kind === order.fault.kind)
if (!kind) throw new Error(`there is no fault ${order.fault.kind}`)
try {
  const make = (params: unknown): Fault => kind.with(params as never)
  const fault = await engine.inject(make(order.fault.params))
  await pause(order.holdMs)
  await fault.heal()
  say('ended')
} catch (error) {
  say('error', messageOf(error))
  process.exitCode = 1
} finally {
  await engine[Symbol.asyncDispose]().catch((error: unknown) => say('error', messageOf(error)))
  await shells[Symbol.asyncDispose]()
  process.disconnect()
}
