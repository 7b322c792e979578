import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'

/** One file of a bundled program. */
export interface BuiltFile {
  readonly name: string
  readonly code: string
}

/** A program as the bundler made it: its files, the entry first, and every source file that went in. */
export interface Built {
  readonly files: readonly BuiltFile[]
  readonly inputs: readonly string[]
}

// Only what is used of rolldown's API: it is a dependency of vite, not ours, so its types are not imported.
type Rolldown = (options: object) => Promise<{ generate(options: object): Promise<unknown>; close(): Promise<void> }>

const moduleSchema = z.object({ rolldown: z.custom<Rolldown>((value) => typeof value === 'function') })
const outputSchema = z.object({
  output: z.array(
    z.union([
      z.object({
        type: z.literal('chunk'),
        fileName: z.string(),
        isEntry: z.boolean(),
        code: z.string(),
        moduleIds: z.array(z.string()),
      }),
      z.object({ type: z.literal('asset') }),
    ]),
  ),
})

/** Modules that find other files by `import.meta.url` must find them from where their source is, not their bundle. */
const sourceLocations = {
  name: 'source-locations',
  transform: (code: string, id: string): string | undefined =>
    code.includes('import.meta.url') && !id.includes('node_modules')
      ? code.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
      : undefined,
}

/** Where vitest's own vite has its rolldown. */
export function rolldownPath(): string {
  const fromVitest = createRequire(createRequire(import.meta.url).resolve('vitest/package.json'))
  return createRequire(fromVitest.resolve('vite/package.json')).resolve('rolldown')
}

/**
 * Bundles a TypeScript program with all that it imports, Node's own modules excepted, for the Node that runs this.
 * @throws what the bundler throws: a syntax error, a file not found
 */
export async function build(entry: string): Promise<Built> {
  const { rolldown } = moduleSchema.parse(await import(pathToFileURL(rolldownPath()).href))
  const bundle = await rolldown({
    input: entry,
    platform: 'node',
    // Native addons stay outside; what has one does without it where it is not found.
    external: /\.node$/,
    logLevel: 'silent',
    plugins: [sourceLocations],
    // CommonJS modules that ask where they are are modules of the bundle now.
    transform: { target: 'node20.19', define: { __dirname: 'import.meta.dirname' } },
  })
  try {
    const options = { format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name]-[hash].js' }
    const { output } = outputSchema.parse(await bundle.generate(options))
    const chunks = output.filter((file) => file.type === 'chunk')
    return {
      files: chunks
        .toSorted((a, b) => Number(b.isEntry) - Number(a.isEntry))
        .map((chunk) => ({ name: chunk.fileName, code: chunk.code })),
      inputs: [...new Set(chunks.flatMap((chunk) => chunk.moduleIds))].filter((id) => !id.startsWith('\0')),
    }
  } finally {
    await bundle.close()
  }
}
