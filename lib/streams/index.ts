export {
  type AuthorizeRequest,
  type CallOptions,
  type ConnectionOptions,
  type Credentials,
  type ListOptions,
  type RetryOptions,
  type Timeouts,
  type TlsOptions,
} from './connection.ts'
export {
  defaultDialect,
  defineDialect,
  type DataDialect,
  type Dialect,
  type DialectCall,
  type DialectOverrides,
  type Method,
} from './dialect.ts'
export {
  type Allocation,
  type ApplicationConfiguration,
  type Domain,
  type Host,
  type Instance,
  type Job,
  type Metric,
  type Operator,
  type OperatorConnection,
  type Pe,
  type PeConnection,
  type Port,
  type Root,
  type Service,
  type StreamLink,
  type View,
  type ViewItem,
} from './elements.ts'
export { type Known } from './enums.ts'
export {
  BundleMissingError,
  ConflictError,
  ForbiddenError,
  ForeignOriginError,
  InstanceNotStartedError,
  JobLostError,
  MalformedAnswerError,
  NotFoundError,
  RateLimitedError,
  RecordError,
  RedirectError,
  RejectedError,
  RequestTimeoutError,
  ServerError,
  StreamsError,
  UnauthorizedError,
  UnreachableError,
  type RecordIssue,
  type StreamsErrorContext,
  type UnreachableKind,
} from './errors.ts'
export {
  type DataExchangeClient,
  type DataExchangeOptions,
  type Discovery,
  type Endpoint,
  type EndpointSelector,
  type Field,
  type FieldType,
  type InjectOptions,
  type InjectResult,
  type PreparedEndpoint,
  type ReadOptions,
  type ReadResult,
  type Tuple,
  type TupleSchema,
} from './exchange.ts'
export {
  type ApplicationConfigurations,
  type ChangeOptions,
  type Listing,
  type ManagementClient,
  type ManagementOptions,
  type MetricsSnapshot,
  type OperatorRef,
  type PortMetrics,
  type Ref,
  type SubmitOptions,
  type WaitOptions,
} from './management.ts'
export { endpointAgent, openDataExchange } from './data-exchange.ts'
export { injectOutcome } from './inject.ts'
export { parseInspected } from './inspect.ts'
export { parseJson, stringifyJson } from './json.ts'
export { openManagement } from './management-client.ts'
export { checkRecords, describeType } from './record-schema.ts'
export { readRecords, writeRecords, type RecordFileOptions, type RecordFormat } from './records.ts'
