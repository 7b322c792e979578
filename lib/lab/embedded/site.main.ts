import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dataService, type DataService } from './data-service/server.ts'
import { listenAt } from './http.ts'
import { liveWithLab } from './life.ts'
import { asOwn } from './parse.ts'
import type { FromSite, SiteBoot, ToSite } from './plan.ts'
import { managementServer } from './rest/server.ts'
import { Site } from './site/site.ts'

function tell(message: FromSite): void {
  process.send?.(message, undefined, {}, () => undefined)
}

async function main(): Promise<void> {
  const boot = await new Promise<SiteBoot>((resolve) => {
    process.once('message', (message) => resolve(asOwn<SiteBoot>(message)))
  })
  await liveWithLab(boot.plan.lifeSocket, { role: 'site', dc: boot.dc, id: boot.dc })
  const site = new Site(boot, tell)
  process.on('message', (message) => {
    site.wrong = asOwn<ToSite>(message).wrong ?? undefined
    tell({ type: 'answers' })
  })
  let data: DataService | undefined
  site.onInstance(async (running) => {
    if (running) {
      data = dataService(site)
      tell({ type: 'ports', data: await listenAt(data.server, boot.listen?.data) })
    } else {
      tell({ type: 'ports', data: null })
      await data?.close()
      data = undefined
    }
  })
  await site.recover()
  const management = await listenAt(managementServer(site), boot.listen?.management)
  const own = { management: `https://127.0.0.1:${management}/streams`, ca: boot.tls.ca }
  writeFileSync(join(site.disk.directory, 'run', 'site.json'), JSON.stringify(own), { mode: 0o600 })
  tell({ type: 'ports', management })
  site.truth.write('site-up')
  tell({ type: 'up' })
}

process.on('disconnect', () => process.exit(0))
await main()
