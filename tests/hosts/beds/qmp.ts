import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import { z } from 'zod'

const answerSchema = z.looseObject({ return: z.unknown().optional(), error: z.object({ desc: z.string() }).optional() })

/** The machine monitor of a QEMU, which acts on the VM from outside. */
export interface MachineMonitor extends AsyncDisposable {
  /** @throws Error with what QEMU said */
  execute(command: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>
}

/** Connects to the socket that `-qmp unix:…` made. One command at a time. */
export async function machineMonitor(path: string): Promise<MachineMonitor> {
  const socket = connect(path)
  await once(socket, 'connect')
  const lines = createInterface({ input: socket })
  const answers = lines[Symbol.asyncIterator]()
  // The greeting.
  await answers.next()
  const execute: MachineMonitor['execute'] = async (command, args = {}) => {
    socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`)
    for (;;) {
      const { value, done } = await answers.next()
      if (done) throw new Error(`QEMU ended before it answered ${command}.`)
      const answer = answerSchema.parse(JSON.parse(value))
      if (answer.error) throw new Error(`QEMU refused ${command}: ${answer.error.desc}`)
      // What has no answer in it is an event.
      if ('return' in answer) return answer.return
    }
  }
  await execute('qmp_capabilities')
  return { execute, [Symbol.asyncDispose]: () => end(socket, lines) }
}

async function end(socket: Socket, lines: Interface): Promise<void> {
  lines.close()
  socket.destroy()
  await Promise.resolve()
}
