export { startEmbeddedLab } from './start.ts'
export type { SiteDialect } from './plan.ts'
export type { DcName } from './protocol.ts'
export type {
  EmbeddedLab,
  EmbeddedLabOptions,
  EmbeddedSite,
  LinkDescription,
  Party,
  PortRole,
  ToolkitFile,
} from './types.ts'
