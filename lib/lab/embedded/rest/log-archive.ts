import { existsSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { Disk } from '../site/disk.ts'
import type { Job } from '../site/job.ts'

const BLOCK = 512

/** A `tar.gz` of the console logs and traces of all PEs of a job. */
export function logArchive(disk: Disk, job: Job): Buffer {
  const parts: Buffer[] = []
  for (const pe of job.pes) {
    for (const kind of ['console', 'trace'] as const) {
      const file = disk.log(pe.stored.id, kind)
      if (!existsSync(file)) continue
      const content = readFileSync(file)
      const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)
      parts.push(header(`job.${job.stored.id}/pe.${pe.stored.id}.${kind}`, content.length), content, padding)
    }
  }
  return gzipSync(Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]))
}

/** A ustar header of a regular file. */
function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`
  block.write(name, 0)
  block.write(octal(0o600, 7), 100)
  block.write(octal(0, 7), 108)
  block.write(octal(0, 7), 116)
  block.write(octal(size, 11), 124)
  block.write(octal(Math.floor(Date.now() / 1000), 11), 136)
  block.write('        ', 148)
  block.write('0', 156)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${octal(sum, 6)} `, 148)
  return block
}
