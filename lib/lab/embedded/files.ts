import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DcName } from './protocol.ts'
import type { EmbeddedLabOptions, ToolkitFile } from './types.ts'

const PEER: Readonly<Record<DcName, DcName>> = { east: 'west', west: 'east' }

/** The toolkit configuration of one site: the lab's defaults with the caller's keys laid over. */
export function toolkitFile(dc: DcName, disk: string, options: EmbeddedLabOptions): ToolkitFile {
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

/** Writes the configuration files and the launch script of a site to its disk. */
export async function writeSiteFiles(disk: string, file: ToolkitFile, launch: readonly string[]): Promise<void> {
  const { config, passiveConfig, launchScript } = siteFiles(disk)
  await mkdir(join(disk, 'etc'), { recursive: true, mode: 0o700 })
  await mkdir(join(disk, 'snapshots'), { recursive: true, mode: 0o700 })
  await writeFile(config, render(file))
  await writeFile(passiveConfig, render({ ...file, crossDCOperationMode: '0' }))
  const command = launch.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')
  await writeFile(
    launchScript,
    `#!/bin/sh\n# Submits the application and takes over the ports of the watcher.\nexec ${command}\n`,
  )
}

function render(file: ToolkitFile): string {
  const lines = Object.entries(file).map(([key, value]) => `${key}=${value}`)
  return ['# Cross-DC failover toolkit of an embedded lab', ...lines, ''].join('\n')
}
