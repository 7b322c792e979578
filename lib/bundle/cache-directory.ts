import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { ConfigurationError } from '../core/index.ts'

/**
 * The directory for bundled programs: `FAILOVER_CACHE_DIR`, or one of this user's own under the system's temporary directory.
 * Programs are run from here, so a directory that someone else owns or may write to is refused.
 * @throws ConfigurationError
 */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
  const chosen = environment['FAILOVER_CACHE_DIR']
  const directory = chosen || join(tmpdir(), `streams-failover-${owner()}`)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const stats = lstatSync(directory)
  const foreign = process.getuid !== undefined && stats.uid !== process.getuid()
  const open = process.platform !== 'win32' && (stats.mode & 0o022) !== 0
  if (!stats.isDirectory() || foreign || open) {
    throw new ConfigurationError(`${directory} cannot hold programs: others may write there.`, {
      remedy: 'Set FAILOVER_CACHE_DIR to a directory that only you can write to.',
    })
  }
  return directory
}

function owner(): string {
  return process.getuid === undefined ? userInfo().username : String(process.getuid())
}
