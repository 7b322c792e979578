import { createServer, type Server } from 'node:net'
import { FailoverError } from '../../../core/index.ts'

/** Below the range from which Linux and macOS take the ports of outgoing connections, above the system's own. */
const FIRST = 10_240
const END = 32_640
/** Every lab takes a block of this size, so that blocks never overlap. */
const SIZE = 96

/** A run of ports that belong to one lab for as long as its supervisor lives: nobody else's lab will listen there. */
export interface PortBlock {
  /** The next port of the block. */
  take(): number
  close(): void
}

/**
 * Reserves a block of free loopback ports. The block's first port is listened on, which is what keeps other labs away; the rest
 * can be bound, released and bound again by the lab's processes without anybody slipping in.
 */
export async function reservePorts(): Promise<PortBlock> {
  const blocks = Math.floor((END - FIRST) / SIZE)
  const offset = Math.floor(Math.random() * blocks)
  for (let i = 0; i < blocks; i++) {
    const first = FIRST + ((offset + i) % blocks) * SIZE
    const guard = await bind(first)
    if (!guard) continue
    if (await allFree(first + 1, SIZE - 1)) {
      let next = first + 1
      return {
        take: () => {
          if (next >= first + SIZE) throw new FailoverError('FAILOVER_LAB', 'The lab has used up its block of ports.')
          return next++
        },
        close: () => guard.close(),
      }
    }
    guard.close()
  }
  throw new FailoverError('FAILOVER_LAB', `There are no ${SIZE} neighbouring free ports in ${FIRST}-${END}.`)
}

async function allFree(first: number, count: number): Promise<boolean> {
  const tries = await Promise.all(Array.from({ length: count }, (_, i) => bind(first + i)))
  await Promise.all(
    tries.map((server) => new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)))),
  )
  return tries.every((server) => server !== undefined)
}

function bind(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', () => resolve(undefined))
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
