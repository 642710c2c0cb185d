import { installedPackage } from '../../src/resources/index.ts'
import { cases } from './golden.ts'

const resource = installedPackage('autossh')

cases('package', {
  converged: { resource, now: 'installed\n' },
  absent: { resource, now: 'absent\n' },
  'only-its-configuration-left': { resource, now: 'config-files\n' },
  'half-installed': { resource, now: 'half-configured\n' },
})
