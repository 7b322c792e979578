import { spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import ssh2, { type AuthContext, type Connection, type ServerChannel } from 'ssh2'
import { Secret } from '../../core/index.ts'
import { newKeyPair } from '../key-pair.ts'
import type { SshSettings } from '../settings.ts'

/** What a {@link testServer} does in a way of its own. All may be changed while it runs. */
export interface TestServerBehaviour {
  /** Host keys in OpenSSH's private format. */
  hostKeys: readonly string[]
  /** Default: everybody may log in with anything. */
  authenticate: (context: AuthContext) => void
  /** Sessions of one connection at a time; more are refused. */
  sessions: number
  /** Called when a session is asked for; `true`: it is not answered. */
  onSession: (connection: Connection, socket: Socket) => boolean | void
  /** Called when a command arrives; `true`: it is neither run nor answered. */
  onCommand: (socket: Socket) => boolean | void
  /** Called when a command was accepted; `true`: it is not run. */
  onExec: (line: string, channel: ServerChannel, socket: Socket) => boolean | void
  /** Each command leads a process group, as with OpenSSH. */
  ownGroups: boolean
}

/** An SSH server in this process, for what a real one cannot be made to do. */
export interface TestServer extends AsyncDisposable {
  readonly behaviour: TestServerBehaviour
  readonly settings: SshSettings
  /** Command lines that arrived. */
  readonly lines: readonly string[]
  readonly sockets: readonly Socket[]
}

/** Starts a server on loopback whose commands really run, in `sh`. */
export async function testServer(changes: Partial<TestServerBehaviour> = {}): Promise<TestServer> {
  const key = newKeyPair()
  const behaviour: TestServerBehaviour = {
    hostKeys: [key.privateKey],
    authenticate: (context) => context.accept(),
    sessions: 10,
    onSession: () => undefined,
    onCommand: () => undefined,
    onExec: () => undefined,
    ownGroups: true,
    ...changes,
  }
  const lines: string[] = []
  const sockets: Socket[] = []
  // A server's keys are fixed when it is made, so each connection gets a server of its own.
  const { createServer } = await import('node:net')
  const listener = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    const server = new ssh2.Server({ hostKeys: [...behaviour.hostKeys] }, (connection) => serve(connection, socket))
    server.injectSocket(socket)
  })
  const serve = (connection: Connection, socket: Socket): void => {
    let open = 0
    connection.on('error', () => undefined)
    connection.on('authentication', (context) => behaviour.authenticate(context))
    connection.on('session', (accept, reject) => {
      if (behaviour.onSession(connection, socket)) return
      if (open >= behaviour.sessions) return reject()
      open++
      const session = accept()
      session.on('close', () => open--)
      session.on('exec', (acceptExec, _reject, { command }) => {
        lines.push(command)
        if (behaviour.onCommand(socket)) return
        const channel = acceptExec()
        if (behaviour.onExec(command, channel, socket)) return
        runIn(channel, command, behaviour.ownGroups)
      })
    })
  }
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port')
  return {
    behaviour,
    lines,
    sockets,
    settings: {
      host: '127.0.0.1',
      port: address.port,
      username: 'tester',
      password: new Secret('correct horse'),
      hostKeys: { fingerprints: [key.fingerprint] },
      connectWithin: '5s',
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
}

function runIn(channel: ServerChannel, command: string, detached: boolean): void {
  const child = spawn('sh', ['-c', command], { detached, stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => undefined)
  channel.on('error', () => undefined)
  channel.pipe(child.stdin)
  child.stdout.pipe(channel, { end: false })
  child.stderr.pipe(channel.stderr, { end: false })
  child.on('close', (code, signal) => {
    if (signal) channel.exit(signal.replace('SIG', ''))
    else channel.exit(code ?? 0)
    channel.end()
  })
}
