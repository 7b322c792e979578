// Runs a TypeScript program of this repository: `node scripts/run-ts.mjs bench/main.ts [arguments…]`. Node 20 cannot strip
// types by itself, so the program is bundled first, with the bundler that Vitest brings; packages stay outside.
// `--bundle-only FILE.mjs` before the program makes that file, which must lie in this repository, and runs nothing.
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const options = process.argv.slice(2)
const bundleOnly = options[0] === '--bundle-only' ? options.splice(0, 2)[1] : undefined
const [entry, ...argv] = options
if (!entry) {
  console.error('usage: node scripts/run-ts.mjs FILE.ts [arguments…]')
  process.exit(2)
}
const root = resolve(import.meta.dirname, '..')
const fromVite = createRequire(
  createRequire(createRequire(import.meta.url).resolve('vitest/package.json')).resolve('vite/package.json'),
)
const { rolldown } = await import(pathToFileURL(fromVite.resolve('rolldown')).href)

const directory = join(root, '.failover', 'scripts')
mkdirSync(directory, { recursive: true })
const file = bundleOnly ? resolve(bundleOnly) : join(directory, `${basename(entry, '.ts')}-${process.pid}.mjs`)
const bundle = await rolldown({
  input: resolve(entry),
  platform: 'node',
  external: /^(?!@oxc-project)[^./\0]/,
  logLevel: 'warn',
  // `await using` and friends are newer than the oldest Node that we support.
  transform: { target: 'node20.19' },
  plugins: [
    {
      // Modules find files beside themselves; in the bundle they would look beside the bundle.
      name: 'own-place',
      transform(code, id) {
        if (!code.includes('import.meta.')) return null
        return code
          .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(id).href))
          .replaceAll('import.meta.dirname', JSON.stringify(dirname(id)))
      },
    },
  ],
})
await bundle.write({ file, format: 'esm', codeSplitting: false })
await bundle.close()
if (bundleOnly) process.exit(0)

const child = spawn(process.execPath, ['--enable-source-maps', file, ...argv], {
  stdio: 'inherit',
  env: { ...process.env, FAILOVER_ROOT: root },
})
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
child.on('exit', (code, signal) => {
  import('node:fs').then(({ rmSync }) => {
    rmSync(file, { force: true })
    if (signal) process.kill(process.pid, signal)
    process.exit(code ?? 1)
  })
})
