import { readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf } from '../../core/index.ts'
import { parseOwn } from '../embedded/parse.ts'
import { removeLab } from './cleanup.ts'
import type { ContainersFile } from './plan.ts'

/**
 * Outlives the runner, to remove all of its lab: at its word (`end` on the standard input), or when the other end of the standard
 * input closes, however the runner ended.
 */
const LATECOMERS_MS = 500
const ROUNDS = 20

const directory = process.argv[2] ?? '.'
const plan = parseOwn<ContainersFile>(readFileSync(join(directory, 'containers.json'), 'utf8'))
let inOrder = false

process.stdin.on('data', (chunk: Buffer) => (inOrder ||= chunk.toString().includes('end')))
process.stdin.on('error', () => undefined)
process.stdin.once('close', () => {
  end().then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${messageOf(error)}\n`)
      process.exit(1)
    },
  )
})

async function end(): Promise<void> {
  for (let round = 1, empty = 0; empty < 2; round++) {
    const removed = await removeLab(plan.docker, plan.id)
    if (inOrder && removed === 0) break
    // What the daemon was told to make just before the runner died comes late.
    empty = removed === 0 ? empty + 1 : 0
    if (round > ROUNDS) throw new Error(`${removed} parts of the lab ${plan.id} cannot be removed.`)
    if (removed === 0 || round > 2) await new Promise((resolve) => setTimeout(resolve, LATECOMERS_MS))
  }
  if (plan.ephemeral) await rm(plan.directory, { recursive: true, force: true, maxRetries: 10 })
}
