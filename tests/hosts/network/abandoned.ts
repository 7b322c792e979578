import { fork, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundleProgram } from '../../../lib/bundle/index.ts'
import type { Bed } from '../beds/bed.ts'
import { bedEnvironment } from '../beds/environment.ts'
import { plainHost, type Order } from '../kill-matrix/order.ts'

/** Time to live of the leases of {@link abandonedFault}. */
export const TTL = '3000ms'

/**
 * Injects a fault from a process of its own and kills that (SIGKILL) once the fault is confirmed, so that nobody is left to heal
 * it but the hosts.
 */
export async function abandonedFault(bed: Bed, fault: Order['fault']): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'failover-abandoned-'))
  try {
    const hosts = [bed.hosts.a, bed.hosts.b]
    const file = join(directory, 'order.json')
    const order: Order = {
      environment: bedEnvironment(bed),
      hosts: hosts.map(plainHost),
      fault,
      ttl: TTL,
      holdMs: 60_000,
    }
    writeFileSync(file, JSON.stringify(order), { mode: 0o600 })
    const program = await bundleProgram(join(import.meta.dirname, '..', 'kill-matrix', 'worker.main.ts'))
    const child = fork(program, [file], { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    try {
      await confirmed(child)
    } finally {
      child.kill('SIGKILL')
      await ended
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function confirmed(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('"step":"confirmed"')) resolve()
    })
    child.once('exit', () => reject(new Error(`the fault was not confirmed: ${said}`)))
  })
}
