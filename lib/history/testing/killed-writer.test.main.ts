/** Writes events and tuples until it is killed: `killed-writer <directory>`. */
import { openRecorder } from '../index.ts'

const directory = process.argv[2] ?? ''
const recorder = openRecorder(directory)
recorder.event({
  type: 'drill-started',
  at: 0,
  origin: 0,
  wall: 0,
  run: 'r',
  name: 'n',
  file: 'f',
  environment: 'e',
  target: 'embedded',
  mode: 'active-active',
  roles: { victim: 'east', survivor: 'west' },
  objectives: {},
  contract: { delivery: 'at-most-once', ordered: true },
  seed: 1,
})
// Ends with its parent, too: a test that was killed must not leave a writer that fills the disk.
process.once('disconnect', () => process.exit(1))
let number = 0
setInterval(() => {
  for (let i = 0; i < 50; i++) {
    recorder.tuples.sends.send({
      seq: number,
      key: 0,
      keySeq: number,
      value: 1,
      dc: 'east',
      batch: 1,
      attempt: 1,
      sentAt: 1,
    })
    recorder.tuples.flush()
    recorder.event({ type: 'phase', at: number, phase: String(number) })
    number++
  }
}, 1)
