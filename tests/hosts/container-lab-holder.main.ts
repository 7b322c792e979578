/** A runner to be killed: starts a container lab in a directory, says its id, and waits. Argument: the directory. */
import { startContainerLab } from '../../lib/lab/containers/index.ts'

const lab = await startContainerLab({ directory: process.argv[2] ?? '', ephemeral: true })
process.stdout.write(`${JSON.stringify({ id: lab.id })}\n`)
setInterval(() => undefined, 1000)
