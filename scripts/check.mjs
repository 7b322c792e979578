// Everything that must hold before a commit: format, lint, types, unit tests, the embedded drills. Runs all of it, also after
// a failure, and says at the end what failed.
import { spawnSync } from 'node:child_process'

const steps = [
  ['format', 'npx', ['prettier', '--check', '.']],
  ['lint', 'npx', ['eslint', '.']],
  ['types', 'npx', ['tsc', '--noEmit']],
  ['unit tests', 'npx', ['vitest', 'run', '--project', 'unit']],
  ['embedded drills', 'npx', ['vitest', 'run', '--project', 'dc-east-west']],
]

const results = steps.map(([name, command, argv]) => {
  console.log(`\n── ${name}: ${command} ${argv.join(' ')}`)
  const started = Date.now()
  const { status } = spawnSync(command, argv, { stdio: 'inherit', shell: process.platform === 'win32' })
  return { name, passed: status === 0, seconds: ((Date.now() - started) / 1000).toFixed(1) }
})

console.log()
for (const { name, passed, seconds } of results) console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name} (${seconds}s)`)
process.exit(results.every((result) => result.passed) ? 0 : 1)
