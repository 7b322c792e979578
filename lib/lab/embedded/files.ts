import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DcName } from './protocol.ts'
import type { EmbeddedLabOptions, ToolkitFile } from './types.ts'

const PEER: Readonly<Record<DcName, DcName>> = { east: 'west', west: 'east' }

/** The toolkit configuration of one site: the lab's defaults with the caller's keys laid over. */
export function toolkitFile(
  dc: DcName,
  disk: string,
  options: Pick<EmbeddedLabOptions, 'toolkit' | 'toolkitOf'>,
): ToolkitFile {
  return {
    localDataCenterName: dc,
    crossDCOperationMode: '1',
    crossDCHttpPort: '25091',
    remoteDataCenterApplicationMachineNames: `${PEER[dc]}-host`,
    crossDCInitDelay: '1.0',
    heartbeatExchangeInterval: '1.0',
    consecutiveHeartbeatMissesAllowed: '2',
    dataSnapshotExchangeInterval: '4.0',
    dataSnapshotStorageDirectory: join(disk, 'snapshots'),
    sendToAllRemoteMachines: 'false',
    alwaysLogHttpErrors: 'false',
    httpConnectionTimeout: '1',
    httpReadTimeout: '1',
    retainOlderDataSnapshotsAtStartup: 'false',
    sendDataSnapshotsToOriginDCAtStartup: 'false',
    ...options.toolkit,
    ...options.toolkitOf?.[dc],
  }
}

/** The documented receiver ports of a configuration: heartbeats, then one per sender/receiver pair. */
export function receiverPorts(file: ToolkitFile, pairs: number): number[] {
  const base = Number(file['crossDCHttpPort'])
  return Array.from({ length: 1 + pairs }, (_, i) => base + i)
}

/** The host names of a configuration's peer. */
export function remoteHosts(file: ToolkitFile): string[] {
  const names = (file['remoteDataCenterApplicationMachineNames'] ?? '').split(',')
  return names.map((name) => name.trim()).filter((name) => name !== '')
}

/** Where the files of a site's disk lie that its user provides. */
export function siteFiles(disk: string): { config: string; passiveConfig: string; launchScript: string } {
  const etc = join(disk, 'etc')
  return {
    config: join(etc, 'crossdc-config.txt'),
    passiveConfig: join(etc, 'crossdc-passive-config.txt'),
    launchScript: join(etc, 'launch-app.sh'),
  }
}

/** The configuration files and the launch script of a site, by the paths at which its disk has them. */
export function siteFileTexts(
  disk: string,
  file: ToolkitFile,
  launch: readonly string[],
): readonly { readonly path: string; readonly text: string }[] {
  const { config, passiveConfig, launchScript } = siteFiles(disk)
  const command = launch.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  const script = `#!/bin/sh\n# Submits the application and takes over the ports of the watcher.\nexec ${command}\n`
  return [
    { path: config, text: render(file) },
    { path: passiveConfig, text: render({ ...file, crossDCOperationMode: '0' }) },
    { path: launchScript, text: script },
  ]
}

/** Writes the configuration files and the launch script of a site to its disk. */
export async function writeSiteFiles(disk: string, file: ToolkitFile, launch: readonly string[]): Promise<void> {
  await mkdir(join(disk, 'etc'), { recursive: true, mode: 0o700 })
  await mkdir(join(disk, 'snapshots'), { recursive: true, mode: 0o700 })
  for (const { path, text } of siteFileTexts(disk, file, launch)) await writeFile(path, text)
}

function render(file: ToolkitFile): string {
  const lines = Object.entries(file).map(([key, value]) => `${key}=${value}`)
  return ['# Cross-DC failover toolkit of a lab', ...lines, ''].join('\n')
}
