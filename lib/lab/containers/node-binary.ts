import { execFile } from 'node:child_process'
import { copyFile, link, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** A Node that is one file, with all its libraries in it; those that distributions build are a few kilobytes. */
const WHOLE_BYTES = 40_000_000
const VERSION = '20'

/** Which Node goes into the image: this very one where containers can run it, else one from the npm registry. */
export interface NodeForImage {
  /** For the image's tag. */
  readonly name: string
  /** Puts the binary at a path. */
  put(path: string): Promise<void>
}

/** Chooses the Node for containers of an architecture. */
export async function nodeForImage(architecture: string): Promise<NodeForImage> {
  if (await runsInContainers(architecture)) {
    return {
      name: `node-${process.version}-${architecture}`,
      put: async (path) => {
        await link(process.execPath, path).catch(() => copyFile(process.execPath, path))
      },
    }
  }
  const module = `node-linux-${architecture}`
  return {
    name: `${module}-${VERSION}`,
    put: async (path) => {
      const directory = `${path}-package`
      const options = ['--no-save', '--no-audit', '--no-fund', '--os=linux', `--cpu=${architecture}`]
      await run('npm', ['install', '--prefix', directory, ...options, `${module}@${VERSION}`])
      await copyFile(join(directory, 'node_modules', module, 'bin', 'node'), path)
    },
  }
}

async function runsInContainers(architecture: string): Promise<boolean> {
  if (process.platform !== 'linux' || process.arch !== architecture) return false
  const report: unknown = process.report.getReport()
  const header = typeof report === 'object' && report !== null && 'header' in report ? report.header : undefined
  const hasGlibc = typeof header === 'object' && header !== null && 'glibcVersionRuntime' in header
  return hasGlibc && (await stat(process.execPath)).size > WHOLE_BYTES
}
