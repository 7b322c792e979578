import { defineEnvironment } from '../lib/environment/index.ts'

/**
 * The example application in two data centres. With nothing configured it runs in the embedded lab, on seconds that are
 * shortened to a fifth; `FAILOVER_TARGET=live` and the variables of `.env.example` point it at real sites.
 */
export const dcEastWest = defineEnvironment({
  name: 'dc-east-west',
  description: 'Counters per key in two data centres, active/active',
  objectives: { rto: '15s', rpo: { tuples: 0, stateAge: '10s' }, rejoin: '2m' },
  contract: { delivery: 'at-most-once', ordered: true, settle: '1s', maxUnknown: 0 },
  application: {
    job: 'failover-app',
    bundle: 'fixtures/apps/failover-app.sab',
    parameters: {
      acknowledge: 'delivered',
      bufferSize: '1000',
      consumingReads: 'true',
      numberOfHttpSenderReceiverPairs: '1',
    },
    operators: { ingest: 'Ingest', results: 'Results', special: 'SpecialMessage' },
  },
  toolkit: {
    both: {
      crossDCHttpPort: '25091',
      crossDCInitDelay: '1',
      heartbeatExchangeInterval: '1',
      consecutiveHeartbeatMissesAllowed: '4',
      dataSnapshotExchangeInterval: '4',
      httpConnectionTimeout: '1',
      httpReadTimeout: '1',
    },
    east: { localDataCenterName: 'east', remoteDataCenterApplicationMachineNames: 'west-host' },
    west: { localDataCenterName: 'west', remoteDataCenterApplicationMachineNames: 'east-host' },
  },
  safety: { maxFaults: 1, allow: ['process', 'link', 'job', 'host', 'instance', 'data-center'], leaseTtl: '15s' },
  on: {
    embedded: {
      objectives: { rto: '3s', rpo: { tuples: 0, stateAge: '1s' }, rejoin: '5s' },
      // Ten processes of a lab, and the runner beside them, may share two cores; to launch processes takes real seconds.
      tolerance: { scheduling: '250ms', launch: '4s' },
    },
    containers: {
      // A configured second takes half a real one there: detection takes up to 2.5 s, and a site's boot is not shortened.
      objectives: { rto: '6s', rpo: { tuples: 0, stateAge: '2500ms' }, rejoin: '12s' },
      tolerance: { scheduling: '250ms' },
    },
  },
})
