export { openTraffic } from './traffic.ts'
export { TrafficError } from './errors.ts'
export { burst, constant, ramp, step, type LoadProfile } from './profile.ts'
export {
  counterSchema,
  defineSchema,
  type MarkFields,
  type ResultFields,
  type TrafficSchema,
  type TupleContext,
} from './schema.ts'
export { fromFile, type FromFileOptions } from './from-file.ts'
export { fromFunction, type SourceRow, type TupleSource } from './source.ts'
export type { Endpoint, EndpointTls } from './endpoint.ts'
export type {
  DcName,
  HomeStats,
  Lateness,
  Outcome,
  Redirect,
  Routing,
  SteadyState,
  TapStats,
  Traffic,
  TrafficDc,
  TrafficOptions,
  TrafficRun,
  TrafficStart,
  TrafficStats,
} from './types.ts'
