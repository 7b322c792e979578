import { notFound } from './refusal.ts'
import type { Site } from './site.ts'

/**
 * Takes all PEs off a host and lets none come, until it is resumed. They are relocatable: those for which there is another host
 * are started there, the others wait.
 * @throws Refusal if there is no such host
 */
export async function quiesce(site: Site, host: string): Promise<void> {
  if (!site.hosts.includes(host)) throw notFound('resource', host)
  if (site.isQuiesced(host)) return
  site.disk.state.quiescedHosts.push(host)
  site.disk.save()
  site.changed()
  const displaced = site.pes().filter(({ stored }) => stored.host === host)
  await Promise.all(displaced.map((pe) => pe.displace()))
  const open = site.hosts.filter((other) => !site.isQuiesced(other))
  displaced.forEach((pe, i) => {
    const target = open[i % open.length]
    if (target === undefined || pe.status !== 'restarting') return
    pe.stored.host = target
    pe.start('automatic')
  })
  site.disk.save()
  site.changed()
}

/**
 * Lets PEs come to a host again, and starts those that wait for one.
 * @throws Refusal if there is no such host
 */
export function resume(site: Site, host: string): void {
  if (!site.hosts.includes(host)) throw notFound('resource', host)
  site.disk.state.quiescedHosts = site.disk.state.quiescedHosts.filter((name) => name !== host)
  site.disk.save()
  site.changed()
  for (const pe of site.pes()) {
    if (pe.stored.host === host && pe.status === 'restarting') pe.start('automatic')
  }
}

/** Whether PEs still run on a host. */
export function hasProcesses(site: Site, host: string): boolean {
  return site.pes().some(({ stored, pid }) => stored.host === host && pid !== undefined)
}
