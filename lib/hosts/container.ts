import type { Duplex } from 'node:stream'
import { bridgedSocket } from './bridged-socket.ts'
import { startExec } from './container-exec.ts'
import type { Shell } from './shell.ts'
import { checkKilled, KILL_WITHIN_MS, killCommand, supervise, type Transport } from './supervise.ts'

/** Settings of a {@link containerShell}. */
export interface ContainerShellOptions {
  /** Name of the machine, for messages. */
  readonly name: string
  /** Name or id of a running container. */
  readonly container: string
  /** Run all commands as the container's root; Docker needs no sudo for that. Default: as the container's user. */
  readonly sudo?: boolean
}

/**
 * A shell in a running container, through the Docker API (`DOCKER_HOST`, else the default socket). A command that a signal ended
 * shows as code 128 + its number, as Docker has it. Connections need bash or nc in the container.
 */
export function containerShell({ name, container, sudo = false }: ContainerShellOptions): Shell {
  const place = `${name} (container ${container})`
  const underWay = new Set<() => Promise<unknown>>()
  const sockets = new Set<Duplex>()
  const transport = (asRoot: boolean): Transport => ({
    name,
    underWay,
    passwords: { taken: false },
    start: (argv, stop) => startExec(container, place, argv, asRoot, stop),
    async kill(group) {
      const bare = { ...transport(true), underWay: new Set<() => Promise<unknown>>() }
      checkKilled(await supervise(killCommand(group), { within: `${KILL_WITHIN_MS}ms` }, bare, undefined))
    },
  })
  return {
    name,
    // Root comes from Docker: no sudo stands between the command and us.
    run: (command, options) => supervise(command, options, transport(options.sudo ?? sudo), undefined),
    async connect(address, options) {
      const socket = await bridgedSocket(address, options, transport(sudo))
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      return socket
    },
    async [Symbol.asyncDispose]() {
      const closed = [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)))
      for (const socket of sockets) socket.destroy()
      await Promise.all([...closed, ...[...underWay].map((end) => end())])
    },
  }
}
