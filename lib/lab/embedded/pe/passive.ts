import { Beacon } from '../toolkit/beacon.ts'
import { systemScheduler } from '../toolkit/scheduler.ts'
import { readConfiguration } from '../../../toolkit/configuration.ts'
import { startComposite } from './cross-dc.ts'
import type { PeRuntime } from './runtime.ts'

const LOGIC = 'SomeApplicationLogic'
const ASPECT = 'Application_Logic'

/**
 * The toolkit's stand-alone passive application: it watches the active data centre and, on DOWN, has the launch script run. The
 * script submits the real application and then ends this one (toolkit reference §11, S14), which has the ports until then.
 */
export async function runPassive(pe: PeRuntime): Promise<void> {
  const { parameters, timeScale } = pe.launch
  const script = parameters['shellScriptName'] ?? ''
  const periodMs = Number(parameters['timerTickPeriod'] ?? '60.0') * timeScale * 1000
  const configuration = await readConfiguration(parameters['configFileName'] ?? '')
  const ticks = pe.counters.output('TimerSignalGenerator', 0)
  const inputs = [0, 1, 2, 3].map((port) => pe.counters.input(LOGIC, port))
  const processed = (port: number): void => {
    const input = inputs[port]
    if (input) input.processed++
  }
  let remote = 'First contact not yet made.'

  new Beacon({ initDelayMs: 0, periodMs }, systemScheduler, () => {
    ticks.submitted++
    processed(0)
    const mode = configuration.crossDCOperationMode === 1 ? 'Active' : 'Passive'
    const text = `Local Data Center=${configuration.localDataCenterName}, Local DC Operation Mode=${mode}, Remote DC Status=${remote}`
    pe.trace('error', ASPECT, text)
  }).start()

  await startComposite(pe, {
    dataSnapshotSignal: () => processed(1),
    processDataFromRemoteDC: () => processed(3),
    remoteDataCenterStatus: (active) => {
      processed(2)
      remote = active ? 'Up and running.' : 'Down and not running.'
      const what = active ? 'coming up and running normally' : 'going down due to failure or planned maintenance'
      pe.trace('error', ASPECT, `Received a notification about the remote data center ${what}.`)
      if (active) return
      pe.truth.write('launch-app', { script })
      pe.send({ type: 'launch', script })
    },
  })
  await pe.serve({ batch: (connection, { id }) => connection.send({ type: 'ack', id }) })
  pe.started()
}
