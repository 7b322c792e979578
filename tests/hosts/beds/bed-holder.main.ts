/**
 * A program for tests: starts a bed (`sshd` or `container`), prints its network namespaces and its own pid as JSON, and waits to
 * be killed.
 */
import { startContainerBed } from './container.ts'
import { startSshdBed } from './sshd.ts'
import { namespacesOf } from './testing.ts'

const bed = await (process.argv[2] === 'container' ? startContainerBed() : startSshdBed())
console.log(JSON.stringify({ pid: process.pid, namespaces: await namespacesOf(bed) }))
setInterval(() => undefined, 60_000)
