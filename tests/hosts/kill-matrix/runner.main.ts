/** The runner of a trial of the kill matrix: starts the worker, says its pid, and ends when the worker has. */
import { fork } from 'node:child_process'

const [worker = '', order = ''] = process.argv.slice(2)
const child = fork(worker, [order], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
process.stdout.write(`${JSON.stringify({ step: 'started', pid: child.pid })}\n`)
child.on('exit', (code, signal) => process.exit(signal ? 1 : (code ?? 1)))
