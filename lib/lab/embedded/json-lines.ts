import type { Readable } from 'node:stream'

/** Calls back with each complete line of a stream, without its newline. */
export function onLines(stream: Readable, handle: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') handle(line)
  })
}
