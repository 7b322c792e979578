export { ContainerLabError, ContainersUnavailableError } from './errors.ts'
export { startContainerLab } from './start.ts'
export type { ContainerHost, ContainerLab, ContainerLabOptions, ContainerSite } from './types.ts'
