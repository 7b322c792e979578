import { request } from 'undici'
import type { DataExchangeClient } from '../streams/index.ts'
import type { Probe } from './site-watch.ts'

/** Is the data service there? Lists its jobs and endpoints. */
export function dataServiceProbe(client: Pick<DataExchangeClient, 'discover'>): Probe {
  return async (signal) => {
    await client.discover({ signal })
    return true
  }
}

/**
 * Do the toolkit's receivers listen? Asks for the metadata of the heartbeat port, which changes nothing: a POST there would count
 * as a heartbeat (toolkit reference §6 and §13.3). Any HTTP answer is a yes.
 * @param base the receiver's host and port, e.g. `http://west-host:25091`
 */
export function receiverProbe(base: string): Probe {
  const url = new URL('/crossdcrx/CrossDataCenterReceiverForHB/ports/output/0/info', base)
  return async (signal) => {
    // Each probe on a connection of its own: one that is kept open says nothing about new ones.
    const { body } = await request(url, { signal, reset: true })
    await body.dump()
    return true
  }
}
