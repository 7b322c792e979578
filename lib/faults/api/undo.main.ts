/**
 * The undo of faults that were injected through the management API, as one program: it runs from the lease's directory, when
 * the runner heals and when the runner is gone. Argument: the file with its order, which holds credentials and is removed by
 * the lease once this program ended well.
 */
import { readFileSync } from 'node:fs'
import { messageOf, redact, registerSecret, Secret } from '../../core/index.ts'
import { openManagement } from '../../streams/index.ts'
import { bringAbout } from './bring-about.ts'
import { undoOrder } from './undo-order.ts'

const order = undoOrder.parse(JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')))
registerSecret(order.password)
const { key, ...tls } = order.tls
const client = openManagement({
  dc: order.dc,
  url: order.url,
  credentials: { username: order.username, password: new Secret(order.password) },
  tls: { ...tls, ...(key === undefined ? {} : { key: new Secret(key) }) },
  instance: order.instance,
  timeouts: { call: `${order.withinMs}ms` },
})
try {
  for (const line of await bringAbout(client, order)) console.log(line)
} catch (error) {
  console.error(redact(messageOf(error)))
  process.exitCode = 1
} finally {
  await client[Symbol.asyncDispose]()
}
