import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What fits into `sockaddr_un` everywhere (macOS has 104 bytes). */
const LONGEST = 100

/**
 * A path for a local socket: in the given directory, or, where that is too long for the system, in a new private directory
 * under the temporary one. A named pipe on Windows.
 */
export function localSocketPath(directory: string, name: string): string {
  if (process.platform === 'win32') return `\\\\.\\pipe\\failover-${name}-${randomBytes(12).toString('hex')}`
  const path = join(directory, `${name}.sock`)
  return Buffer.byteLength(path) <= LONGEST ? path : join(mkdtempSync(join(tmpdir(), 'failover-')), `${name}.sock`)
}
