import type { OperatorDescription, PeKind } from '../protocol.ts'

/** The alias under which applications invoke the toolkit's composite, and the prefix of its operators' names. */
export const COMPOSITE = 'CrossDCFailover'

/** Capacity of the threaded ports that have one in the toolkit's source. */
export const QUEUE_SIZES: Readonly<Record<string, number>> = {
  [`${COMPOSITE}.HttpPostResponseSink/0`]: 40,
  [`${COMPOSITE}.RemoteDataCenterHeartbeatWatchdog/0`]: 40,
  [`${COMPOSITE}.RemoteDataCenterWatchdog/0`]: 40,
}

const CUSTOM = 'spl.utility::Custom'
const FAILOVER = 'com.ibm.streamsx.crossdc.failover'

/**
 * The operators of a PE, by its kind, with the names of their ports. `pairs` is `numberOfHttpSenderReceiverPairs`: the width of
 * the parallel regions, whose operators are called `<name>[<channel>]`. Free of side effects, for the site's REST resources.
 */
export function describeOperators(kind: PeKind, pairs = 1): readonly OperatorDescription[] {
  switch (kind) {
    case 'ingest':
      return [operator('Ingest', 'spl.endpoint::EndpointSource', [], ['Tuples'])]
    case 'logic':
      return [
        operator(
          'Logic',
          CUSTOM,
          ['Tuples', 'DataSnapshotSignal', 'RemoteDataCenterStatus', 'ProcessDataFromRemoteDC'],
          ['Results', 'SerializedDataSnapshotMessage'],
        ),
      ]
    case 'sink':
      return [operator('Results', 'spl.endpoint::EndpointSink', ['Results'], [])]
    case 'cross-dc':
      return [operator('SpecialMessage', 'spl.endpoint::EndpointSource', [], ['SpecialMessage']), ...composite(pairs)]
    case 'passive':
      return [
        operator('TimerSignalGenerator', 'spl.utility::Beacon', [], ['TimerSignal']),
        operator(
          'SomeApplicationLogic',
          CUSTOM,
          ['TimerSignal', 'DataSnapshotSignal', 'RemoteDataCenterStatus', 'ProcessDataFromRemoteDC'],
          ['SerializedDataSnapshotMessage', 'SpecialMessage'],
        ),
        ...composite(pairs),
      ]
  }
}

/** Port names are those of the streams in `CrossDataCenterFailover.spl`. */
function composite(pairs: number): OperatorDescription[] {
  const own = (name: string, kind: string, inputs: readonly string[], outputs: readonly string[]) =>
    operator(`${COMPOSITE}.${name}`, kind, inputs, outputs)
  const channels = Array.from({ length: pairs }, (_, channel) => channel)
  return [
    own('HeartbeatSignalGenerator', 'spl.utility::Beacon', [], ['HeartbeatSignal']),
    own(
      'HeartbeatMessagePreparer',
      CUSTOM,
      ['HeartbeatSignal', 'RemoteDataCenterStatus', 'SpecialMessage'],
      [
        'SerializedHeartbeatMessage',
        'SerializedNonHeartbeatMessage1',
        'DataSnapshotSignal',
        'ProcessDataFromSnapshotFiles',
        'DeleteSnapshotDBRowsOnLocalDCStartup',
        'ReadSnapshotDBRowsOnRemoteDCFirstContact',
      ],
    ),
    own('CrossDataCenterSender1', `${FAILOVER}::HttpBlobSender`, ['SerializedHeartbeatMessage'], ['HttpPostResponse1']),
    ...channels.map((channel) =>
      own(
        `CrossDataCenterSender2[${channel}]`,
        `${FAILOVER}::HttpBlobSender`,
        ['SerializedDataSnapshotMessage', 'SerializedNonHeartbeatMessage1', 'SerializedNonHeartbeatMessage2'],
        ['HttpPostResponse2'],
      ),
    ),
    own('HttpPostResponseSink', CUSTOM, ['HttpPostResponse'], []),
    own('CrossDataCenterReceiverForHB', 'com.ibm.streamsx.inet.rest::HTTPBLOBInjection', [], ['BinData1']),
    own(
      'RemoteDataCenterHeartbeatWatchdog',
      CUSTOM,
      ['BinData1', 'HeartbeatSignal', 'SpecialMessage'],
      ['RemoteDataCenterStatus'],
    ),
    ...channels.map((channel) =>
      own(`CrossDataCenterReceiver[${channel}]`, 'com.ibm.streamsx.inet.rest::HTTPBLOBInjection', [], ['BinData2']),
    ),
    own(
      'RemoteDataCenterWatchdog',
      CUSTOM,
      ['BinData2', 'RemoteDataCenterStatus', 'SpecialMessage'],
      [
        'ProcessDataFromRemoteDC1',
        'DeleteSnapshotDBRowOnRemoteDCOrderlyShutdown',
        'InsertSnapshotDBRow',
        'ReadSnapshotDBRowOnRemoteDCFailure',
      ],
    ),
    own(
      'SendSnapshotFilesData',
      CUSTOM,
      ['ProcessDataFromSnapshotFiles'],
      ['ProcessDataFromRemoteDC2', 'ReadSnapshotDBRowsOnSpecialMessage'],
    ),
    own(
      'RemoteDCDataMerger',
      'spl.relational::Functor',
      ['ProcessDataFromRemoteDC1', 'ProcessDataFromRemoteDC2', 'ProcessDataFromRemoteDC3'],
      ['ProcessDataFromRemoteDC'],
    ),
    ...databasePath(own),
  ]
}

/** The operators that serve a database instead of files: always in the graph, idle here. */
function databasePath(
  own: (name: string, kind: string, inputs: readonly string[], outputs: readonly string[]) => OperatorDescription,
): OperatorDescription[] {
  const jdbc = (what: string): string => `${FAILOVER}::CrossDCSnapshotJdbc${what}`
  return [
    own('SnapshotRemover', jdbc('Remover'), ['DeleteSnapshotDBRows'], ['SnapshotDeleteResult']),
    own('SnapshotDeleteSink', CUSTOM, ['SnapshotDeleteResult'], []),
    own(
      'SnapshotReaderOnRemoteDCFirstContact',
      jdbc('Reader'),
      ['ReadSnapshotDBRowsOnRemoteDCFirstContact'],
      ['SnapshotDBReadResultOnRemoteDCFirstContact'],
    ),
    own(
      'SnapshotReaderAnalyzerAtRemoteDCFirstContact',
      CUSTOM,
      ['SnapshotDBReadResultOnRemoteDCFirstContact'],
      ['SerializedNonHeartbeatMessage2', 'DeleteSnapshotDBRowsOnRemoteDCFirstContact'],
    ),
    own('SnapshotInserter', jdbc('Writer'), ['InsertSnapshotDBRow'], ['SnapshotInsertResult']),
    own('SnapshotInsertResultSink', CUSTOM, ['SnapshotInsertResult'], []),
    own(
      'SnapshotReaderOnRemoteDCFailureOrOnSpecialMessage',
      jdbc('Reader'),
      ['ReadSnapshotDBRowOnRemoteDCFailure', 'ReadSnapshotDBRowsOnSpecialMessage'],
      ['SnapshotDBReadResultOnRemoteDCFailureOrOnSpecialMessage'],
    ),
    own(
      'SnapshotReaderAnalyzerOnRemoteDCFailure',
      CUSTOM,
      ['SnapshotDBReadResultOnRemoteDCFailureOrOnSpecialMessage'],
      ['ProcessDataFromRemoteDC3', 'DeleteSnapshotDBRowOnRemoteDCFailure'],
    ),
  ]
}

function operator(
  name: string,
  kind: string,
  inputPorts: readonly string[],
  outputPorts: readonly string[],
): OperatorDescription {
  return { name, kind, inputPorts, outputPorts }
}
