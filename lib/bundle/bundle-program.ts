import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { build, rolldownPath, type Built } from './build.ts'
import { cacheDirectory } from './cache-directory.ts'

const manifestSchema = z.object({
  program: z.string(),
  inputs: z.array(z.object({ path: z.string(), size: z.number(), mtimeMs: z.number() })),
})
type Manifest = z.infer<typeof manifestSchema>

const running = new Map<string, Promise<string>>()

/**
 * The path of one JavaScript program made of a TypeScript entry and its imports, for `process.execPath` to run. Made once: as
 * long as no input changed (by size and time of change) the stored program is returned. Programs are stored under the hash of
 * their code, and appear whole or not at all, so that any number of processes may call this at once.
 * @param entry absolute path of a `.ts` file
 * @throws what the bundler throws; ConfigurationError if the cache directory is not safe
 */
export function bundleProgram(entry: string): Promise<string> {
  const known = running.get(entry)
  if (known) return known
  const made = findOrMake(entry).finally(() => running.delete(entry))
  running.set(entry, made)
  return made
}

async function findOrMake(entry: string): Promise<string> {
  const directory = cacheDirectory()
  const key = digest([entry, rolldownPath(), process.version])
  const manifestPath = join(directory, `${key}.json`)
  const manifest = await readManifest(manifestPath)
  if (manifest && (await isCurrent(manifest))) return manifest.program
  const before = Date.now()
  const built = await build(entry)
  const program = await store(directory, built)
  const inputs = await Promise.all(built.inputs.map(describe))
  // An input that changed while the bundler read it may have gone in with its old text.
  if (inputs.every((input) => input.mtimeMs < before)) {
    await writeWhole(manifestPath, JSON.stringify({ program, inputs } satisfies Manifest))
  }
  return program
}

async function store(directory: string, built: Built): Promise<string> {
  const home = join(directory, digest(built.files.flatMap((file) => [file.name, file.code])))
  const program = join(home, built.files[0]?.name ?? '')
  if (await exists(program)) return program
  const draft = `${home}.${randomUUID()}`
  await mkdir(draft, { mode: 0o700 })
  await writeFile(join(draft, 'package.json'), '{"type":"module"}')
  for (const file of built.files) await writeFile(join(draft, file.name), file.code)
  try {
    await rename(draft, home)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!(await exists(program))) throw error
  }
  return program
}

async function readManifest(path: string): Promise<Manifest | undefined> {
  try {
    return manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}

async function isCurrent(manifest: Manifest): Promise<boolean> {
  const checks = manifest.inputs.map(async (input) => {
    const found = await describe(input.path).catch(() => undefined)
    return found?.size === input.size && found.mtimeMs === input.mtimeMs
  })
  return (await Promise.all([...checks, exists(manifest.program)])).every(Boolean)
}

async function describe(path: string): Promise<Manifest['inputs'][number]> {
  const { size, mtimeMs } = await stat(path)
  return { path, size, mtimeMs }
}

async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, text, { mode: 0o600 })
  await rename(draft, path)
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}

function digest(parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part).update('\0')
  return hash.digest('hex').slice(0, 32)
}
