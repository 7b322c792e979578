// After a red lane of drills: if every drill that did not pass could not tell (and none failed), takes them out of the lane's
// results, says why they could not tell, and prints their spec files, which are to be run once more. Unknown is not a pass, and
// not a failure either: on a machine that stood still for a moment the answer is to measure again, in plain sight. Exits with 1,
// and changes nothing, if a drill failed, or something besides drills.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const [resultsFile, runs = join('.failover', 'runs')] = process.argv.slice(2)
const reports = readdirSync(runs)
  .map((run) => join(runs, run, 'report.json'))
  .filter((file) => statSync(file, { throwIfNoEntry: false }))
  .sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)
const report = reports.length > 0 ? JSON.parse(readFileSync(reports[0], 'utf8')) : { drills: [], problems: [] }
const results = JSON.parse(readFileSync(resultsFile, 'utf8'))
const doubtful = report.drills.filter(
  ({ verdict, classification }) => verdict !== 'pass' && classification === 'inconclusive',
)
const failed = report.drills.filter((drill) => drill.verdict !== 'pass' && !doubtful.includes(drill))
const explained = doubtful.length > 0 && failed.length === 0 && report.problems.length === 0
if (!explained || results.numFailedTests !== doubtful.length) process.exit(1)

for (const { name, problems = [] } of doubtful) {
  console.error(`could not tell, and is run once more: ${name}\n  ${problems.join('\n  ')}`)
}
writeFileSync(resultsFile, JSON.stringify({ ...results, numFailedTests: 0, repeated: doubtful.length }))
console.log([...new Set(doubtful.map(({ file }) => file))].join(' '))
