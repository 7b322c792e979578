/**
 * Worker of the benchmark of checking: `generate <directory> <tuples>` writes a history, `check <directory>` reads and checks it
 * and `read <directory>` only reads its files. Each prints one JSON line.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { analyse } from '../lib/checkers/index.ts'
import { now } from '../lib/core/index.ts'
import { generateHistory } from './history-generator.ts'

const [verb, directory = '', size = '0'] = process.argv.slice(2)

if (verb === 'generate') {
  const planted = await generateHistory(directory, Number(size))
  console.log(JSON.stringify(planted))
} else if (verb === 'read') {
  const cpu = process.cpuUsage()
  const bytes = readAll(join(directory, 'tuples.sends')) + readAll(join(directory, 'tuples.sights'))
  const { user, system } = process.cpuUsage(cpu)
  console.log(JSON.stringify({ cpuMs: (user + system) / 1000, bytes }))
} else {
  // The first call pays for code that is loaded and compiled once per process.
  const before = process.memoryUsage().rss
  const started = now()
  const cpu = process.cpuUsage()
  const findings = await analyse(directory)
  const { user, system } = process.cpuUsage(cpu)
  const ms = now() - started
  const peak = process.resourceUsage().maxRSS * 1024
  const count = (check: string, member: string): unknown =>
    findings.findings.find(({ name }) => name === check)?.detail[member]
  console.log(
    JSON.stringify({
      ms,
      cpuMs: (user + system) / 1000,
      growthMb: (peak - before) / 2 ** 20,
      lost: count('lost', 'lost'),
      repeated: count('duplicated', 'repeats'),
      reordered: count('order', 'reordered'),
      wrong: count('transformation', 'wrong'),
    }),
  )
}

function readAll(file: string): number {
  const fd = openSync(file, 'r')
  const chunk = new Uint8Array(2 ** 20)
  let bytes = 0
  while (true) {
    const got = readSync(fd, chunk)
    if (got === 0) break
    bytes += got
  }
  closeSync(fd)
  return bytes
}
