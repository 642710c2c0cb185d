import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type LocalResult, local } from '../../../src/lab/local.ts'
import type { Rehearsal } from '../kit.ts'
import { actionSteps, githubJob, gitlabJob, type Step } from './jobs.ts'

/** How a job ended, and what it said. */
export interface Job extends LocalResult {
  readonly summary: string
  /** Everything that the runner kept or showed. */
  readonly all: string
}

/** The runners of GitHub and GitLab. Their folders are in `temp`, and so is the release. */
export function runners(to: () => { readonly it: Rehearsal; readonly temp: string }) {
  const at = (name: string) => join(to().temp, name)
  /** What the install step put on the PATH of the steps after it: of a job, and of the action. */
  const added: Record<string, string[]> = {}

  /** The install steps, once for each kind, outside of the lab: it has no way to the registry. */
  async function installAll(): Promise<void> {
    for (const name of ['github', 'action', 'gitlab', 'marked']) await mkdir(at(name))
    await installStep('github', githubJob('check', {}))
    await installStep('action', actionSteps({}))
    const { text, env } = gitlabJob('check')
    await install(parted(text)[0], { ...env, TOOLS: at('gitlab') })
  }

  async function installStep(kind: string, [step = expect.fail('no steps')]: readonly Step[]): Promise<void> {
    const files = { RUNNER_TEMP: at(kind), GITHUB_PATH: at(`${kind}-added`), GITHUB_ACTION_PATH: at('release') }
    await install(step.text, { ...step.env, ...files })
    added[kind] = lines(await readFile(files.GITHUB_PATH, 'utf8'))
  }

  async function install(text: string, env: Readonly<Record<string, string>>): Promise<void> {
    // What the checkout was made from is in npm's cache.
    const all = { ...env, PROVISION: at('release'), npm_config_prefer_offline: 'true' }
    const words = Object.entries(all).map(([name, value]) => `${name}=${value}`)
    await local(['env', ...words, 'bash', '-euo', 'pipefail', '-c', text])
  }

  const github = (name: string, secrets: Record<string, string> = {}, from = 'guest') =>
    steps('github', githubJob(name, secrets), from)

  /** What a job with this one step does: `uses:` our action, `with:` these inputs. */
  const action = (inputs: Record<string, string>) => steps('action', actionSteps(inputs), 'guest')

  /** Step by step; after one that fails, those that run `always()`, as the file has them: the end of the agent. */
  async function steps(kind: 'github' | 'action', all: readonly Step[], from: string): Promise<Job> {
    const runner = at(kind)
    const files = {
      GITHUB_ENV: join(runner, 'env'),
      GITHUB_PATH: join(runner, 'path'),
      GITHUB_STEP_SUMMARY: join(runner, 'summary'),
    }
    for (const file of Object.values(files)) await writeFile(file, '')
    const job = { code: 0, stdout: '', stderr: '' }
    for (const step of all) {
      if (job.code !== 0 && step.name !== 'End the agent') continue
      const kept = Object.fromEntries(lines(await readFile(files.GITHUB_ENV, 'utf8')).map((line) => line.split('=')))
      const env = {
        GITHUB_ACTIONS: 'true',
        GITHUB_WORKSPACE: to().it.folder,
        RUNNER_TEMP: runner,
        ...files,
        ...step.env,
        ...kept,
        PROVISION: at('release'),
        PATH: [...(added[kind] ?? []), process.env.PATH].join(':'),
      }
      const { code, stdout, stderr } = await run(step, env, from)
      Object.assign(job, { code: job.code || code, stdout: job.stdout + stdout, stderr: job.stderr + stderr })
    }
    const rest = await Promise.all(Object.values(files).map((file) => readFile(file, 'utf8')))
    return { ...job, summary: rest[2] ?? '', all: [job.stdout, job.stderr, ...rest].join('\n') }
  }

  async function gitlab(name: string, variables: Record<string, string> = {}): Promise<LocalResult> {
    const step = gitlabJob(name)
    const env = {
      ...step.env,
      ...variables,
      GITLAB_CI: 'true',
      CI_PROJECT_DIR: to().it.folder,
      TOOLS: at('gitlab'),
      PROVISION: at('release'),
    }
    return run(step, { ...env, XDG_STATE_HOME: at('state') }, 'guest')
  }

  /** Without the install step, which was done before. */
  async function run({ text }: Step, env: Record<string, string>, from: string): Promise<LocalResult> {
    const rest = parted(text)[1]
    if (rest.trim() === '') return { code: 0, stdout: '', stderr: '' }
    const file = at('step.sh')
    await writeFile(file, rest)
    return shell(file, env, from)
  }

  /** A shell of the runner: in the checkout, in that network, with nothing of the lab's own pins. */
  function shell(script: string, env: Record<string, string>, from: string): Promise<LocalResult> {
    const { it } = to()
    const words = ['bash', '--noprofile', '--norc', '-eo', 'pipefail', script]
    return it.lab.run(['env', '-u', 'PROVISION_KNOWN_HOSTS', '-C', it.folder, ...words], {
      from,
      env: { CI: 'true', GITHUB_ACTIONS: '', TMPDIR: at('marked'), XDG_STATE_HOME: at('state'), ...env },
      timeoutMs: 180_000,
    })
  }

  return { installAll, github, action, gitlab, run }
}

/** Up to and with the last line that speaks of npm's own work, and what follows. */
export function parted(text: string): [string, string] {
  const all = text.split('\n')
  const last = all.findLastIndex((line) => /npm (ci|install)|GITHUB_PATH/.test(line)) + 1
  return [all.slice(0, last).join('\n'), all.slice(last).join('\n')]
}

/** The lines that are not empty. */
export const lines = (text: string) => text.split('\n').filter((line) => line !== '')
