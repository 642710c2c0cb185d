import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { local } from '../../../src/lab/local.ts'
import { githubJob } from './jobs.ts'

const checkout = join(import.meta.dirname, '../../..')

/** What PROVISION names, with the version that the pipelines ask for; built by their own `npm ci`. */
export async function release(source: string): Promise<void> {
  for (const name of [
    'bin',
    'inventory',
    'playbooks',
    'scripts',
    'src',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
  ])
    await cp(join(checkout, name), join(source, name), { recursive: true })
  const git = (...words: string[]) => local(['git', '-C', source, ...words])
  await git('init', '--quiet')
  await git('add', '--all')
  await git('-c', 'user.name=ci', '-c', 'user.email=ci@example.com', 'commit', '--quiet', '--message', 'a release')
  await git('tag', githubJob('check', {})[0]?.env.PROVISION_VERSION ?? '')
}
