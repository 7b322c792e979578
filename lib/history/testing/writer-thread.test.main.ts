/** Worker thread that writes one half of a tuple log; `workerData` is `{ directory, half }`. */
import { workerData } from 'node:worker_threads'
import { z } from 'zod'
import { openTupleLog } from '../index.ts'

const { directory, half } = z.object({ directory: z.string(), half: z.enum(['sends', 'sights']) }).parse(workerData)
const log = openTupleLog(directory, { bufferBytes: 1000 })
if (half === 'sights') log.sights.poll({ dc: 'east', asked: 1, answered: 2, previousAsked: 0, overrun: 0 })
for (let seq = 0; seq < 1000; seq++) {
  if (half === 'sends')
    log.sends.send({ seq, key: 0, keySeq: seq, value: 1, dc: 'east', batch: 1, attempt: 1, sentAt: seq })
  else log.sights.sight({ seq, key: 0, keySeq: seq, value: 1, count: 1, sum: 1, flags: 0 })
}
log.close()
