import { connect } from 'node:net'

/**
 * Ties this process to its lab: says hello on the supervisor's life socket, and exits as soon as that connection closes.
 * Resolves when the hello is out.
 */
export function liveWithLab(lifeSocket: string, hello: { role: 'pe' | 'site'; dc: string; id: string }): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(lifeSocket, () => {
      socket.write(`${JSON.stringify({ pid: process.pid, ...hello })}\n`, () => resolve())
    })
    socket.on('error', () => process.exit(1))
    socket.on('close', () => process.exit(0))
    socket.resume()
  })
}
