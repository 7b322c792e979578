// Adds up the JSON results of all lanes and prints the closing line of CI. A lane without results, and a step that failed
// without a failed test, count as one failure each.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [directory, ...failedSteps] = process.argv.slice(2)
const sum = { passed: 0, failed: 0, skipped: 0 }
const red = new Set()
for (const file of readdirSync(directory).filter((name) => name.endsWith('.json'))) {
  const result = JSON.parse(readFileSync(join(directory, file), 'utf8'))
  sum.passed += result.numPassedTests
  sum.failed += result.numFailedTests
  sum.skipped += result.numPendingTests + result.numTodoTests
  if (result.numFailedTests > 0) red.add(file.replace(/\.json$/, ''))
}
for (const step of failedSteps) {
  if (!red.has(step) && !red.has(step.replace('npm ', ''))) sum.failed++
}
if (failedSteps.length > 0) console.log(`failed steps: ${failedSteps.join(', ')}`)
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1)
