// Adds up the JSON results of all lanes and prints, last, what failed and why, so that the end of a log is enough to know; then the
// closing line of CI. A lane without results, a file that failed without a failed test (a hook, an import), and a step that failed
// without either, count as one failure each.
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

const SHOWN_FAILURES = 40
const SHOWN_CHARACTERS = 8_000

const [directory, ...failedSteps] = process.argv.slice(2)
const sum = { passed: 0, failed: 0, skipped: 0 }
const red = new Set()
const failures = []
for (const file of readdirSync(directory)
  .filter((name) => name.endsWith('.json'))
  .sort()) {
  const lane = file.replace(/\.json$/, '')
  const result = JSON.parse(readFileSync(join(directory, file), 'utf8'))
  // Drills that are run once more count by their repetition.
  const found = result.repeated === undefined ? failuresOf(result, lane) : []
  const withoutTest = found.filter(({ test }) => test === undefined).length
  sum.passed += result.numPassedTests
  sum.failed += result.numFailedTests + withoutTest
  sum.skipped += result.numPendingTests + result.numTodoTests
  if (result.numFailedTests + withoutTest > 0) red.add(lane)
  failures.push(...found)
}
for (const step of failedSteps) {
  if (!red.has(step) && !red.has(step.replace('npm ', ''))) sum.failed++
}

// The more there are, the less is shown of each.
const shown = failures.slice(0, SHOWN_FAILURES)
const each = Math.max(120, Math.floor(SHOWN_CHARACTERS / Math.max(1, shown.length)))
for (const { lane, file, test, message } of shown) {
  console.log(`✗ ${lane}: ${file}${test === undefined ? '' : ` > ${test}`}`)
  console.log(indented(message, each))
}
if (failures.length > shown.length) console.log(`✗ … and ${failures.length - shown.length} more`)
if (failedSteps.length > 0) console.log(`failed steps: ${failedSteps.join(', ')}`)
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exit(sum.failed === 0 && sum.passed > 0 ? 0 : 1)

function failuresOf({ testResults = [] }, lane) {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    const file = relative(process.cwd(), name)
    const tests = assertionResults.filter((test) => test.status === 'failed')
    if (tests.length === 0) return status === 'failed' ? [{ lane, file, message }] : []
    return tests.map((test) => ({ lane, file, test: test.fullName, message: test.failureMessages.join('\n') }))
  })
}

/** What the failure says, without the stack. */
function indented(message, most) {
  const said = stripVTControlCharacters(message)
    .split('\n')
    .filter((line) => line.trim() !== '' && !/^\s+at .*(node_modules|node:internal)/.test(line))
    .join('\n')
  const cut = said.length > most ? `${said.slice(0, most)} …` : said
  return cut.replace(/^/gm, '    ')
}
