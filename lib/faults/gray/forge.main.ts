/**
 * Plays the sender of heartbeats of a data centre. Runs as a worker of a lease, which ends it. Arguments: directory of the lease,
 * name of the worker, order (see forge-order.ts). Each message goes over a connection of its own, as the toolkit does it (toolkit
 * reference §6). The first must be taken, or this ends; then `ready` appears in the lease. How many were taken is in `told`.
 */
import { renameSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { messageOf, now } from '../../core/index.ts'
import { encodeHeartbeatMessage, heartbeatMessage, MESSAGE_TYPE } from '../../toolkit/wire.ts'
import { forgeOrder } from './forge-order.ts'

const PATH = '/crossdcrx/CrossDataCenterReceiverForHB/ports/output/0/inject'

const [lease = '', name = '', text = ''] = process.argv.slice(2)
const order = forgeOrder.parse(JSON.parse(text))
let count = BigInt(order.count)
const told = { sent: 0, accepted: 0 }

try {
  await beat()
  if (told.accepted === 0) throw new Error(`${order.host}:${order.port} did not take the first heartbeat`)
  writeFileSync(join(lease, `ready.${name}`), '')
} catch (error) {
  console.error(messageOf(error))
  process.exit(1)
}
let due = now()
while (true) {
  due = Math.max(due + order.everyMs, now())
  await new Promise((resolve) => setTimeout(resolve, due - now()))
  // A far side that is away for a while is no reason to end.
  await beat().catch(() => undefined)
}

async function beat(): Promise<void> {
  const message = heartbeatMessage({
    heartbeatMsgType: MESSAGE_TYPE.heartbeat,
    heartbeatCnt: count,
    dataCenterOrigin: order.origin,
  })
  if (order.counts) count++
  told.sent++
  const status = await post(encodeHeartbeatMessage(message))
  if (status === 200 || status === 204) told.accepted++
  const file = join(lease, `told.${name}`)
  // The lease may be gone: then so is this process in a moment.
  writeFileSync(`${file}.new`, JSON.stringify(told))
  renameSync(`${file}.new`, file)
}

function post(body: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    const { host, port } = order
    const outgoing = request(
      {
        host,
        port,
        path: PATH,
        method: 'POST',
        agent: false,
        timeout: order.withinMs,
        headers: { 'content-type': 'application/octet-stream', 'content-length': body.length, connection: 'close' },
      },
      (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode ?? 0))
        response.on('error', reject)
      },
    )
    outgoing.on('timeout', () => outgoing.destroy(new Error(`${host}:${port} did not answer`)))
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}
