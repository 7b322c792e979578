export { containerShell, type ContainerShellOptions } from './container.ts'
export {
  AuthenticationError,
  CommandNotStartedError,
  CommandTimeoutError,
  ConnectionLostError,
  ConnectRefusedError,
  HostKeyError,
  HostUnreachableError,
  PrivilegeError,
  UnquotableError,
  type UnreachableReason,
} from './errors.ts'
export { holderOf } from './holder.ts'
export { HOST_CLOCK } from './host-clock.ts'
export { newKeyPair, type KeyPair } from './key-pair.ts'
export { openShell, openShells, type HostShells } from './open.ts'
export type { HostSettings, ShellSettings, SshCredentials, SshHostKeys, SshSettings } from './settings.ts'
export type { Sudo } from './launch.ts'
export { localShell, type LocalShellOptions } from './local.ts'
export { commandLine, quote, wordsOf } from './quote.ts'
export type {
  Command,
  ConnectOptions,
  RunOptions,
  RunResult,
  Shell,
  ShellScript,
  SocketAddress,
  WarmOptions,
} from './shell.ts'
export { sshShell, type SshShell, type SshShellOptions } from './ssh.ts'
export { surveyTools, whoAmI, type Login, type SurveyOptions } from './survey.ts'
