export {
  dcName,
  deliveryContract,
  faultState,
  groundTruthShape,
  historyEvent,
  objectives,
  pairState,
  stageName,
  storedPrediction,
  type DcName,
  type DeliveryContract,
  type DrillStarted,
  type EventOf,
  type GroundTruth,
  type HistoryEvent,
  type HistoryEventInput,
  type PairState,
  type StoredPrediction,
} from './events.ts'
export { openRecorder, type DrillRecorder } from './recorder.ts'
export {
  SightFlag,
  UNKNOWN_KEY,
  type KeyEntry,
  type Outcome,
  type OutcomeRecord,
  type PollRecord,
  type SendLog,
  type SendRecord,
  type SightLog,
  type SightRecord,
  type TupleLogWriter,
} from './tuple-log.ts'
export { openTupleLog, type TupleLogOptions } from './tuple-log-writer.ts'
export { CorruptHistoryError, HistoryError } from './errors.ts'
export { findingsText, readFindings, writeFindings } from './drill-file.ts'
export { DCS, dcIndex, f64At, FILES, Kind, OutcomeCode, RECORD_BYTES, u32At, u8At } from './format.ts'
export { type Names } from './names.ts'
export { readHistory, type History, type TupleStreams } from './reader.ts'
export { RecordStream } from './record-stream.ts'
export { groundTruth, groundTruthOf, readTruth, type ObservedOutage } from './ground-truth.ts'
