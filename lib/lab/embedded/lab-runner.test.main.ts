import { execFileSync } from 'node:child_process'
import { startEmbeddedLab } from './index.ts'

// A runner to be killed: starts a lab, says which processes it consists of, and waits.
const lab = await startEmbeddedLab({ directory: `${process.argv[2]}/lab` })
const [node = '', ...args] = lab.control
const processes = JSON.parse(execFileSync(node, [...args, 'processes'], { encoding: 'utf8' })) as { pid: number }[]
const supervisor = Number(
  /PPid:\s+(\d+)/.exec(execFileSync('cat', [`/proc/${processes[0]?.pid}/status`], { encoding: 'utf8' }))?.[1],
)
process.stdout.write(`${JSON.stringify([supervisor, ...processes.map(({ pid }) => pid)])}\n`)
setInterval(() => undefined, 1000)
