/** What the site says it is. */
export const PRODUCT = {
  architecture: 'x86_64',
  buildVersion: '20250401000000',
  editionName: 'Embedded lab',
  fullProductVersion: '7.2.0.0',
  minimumOSBaseVersion: '8',
  minimumOSPatchVersion: '0',
  minimumOSVersion: '8',
  productName: 'Stand-in for Teracloud Streams',
  productVersion: '7.2.0.0',
} as const
