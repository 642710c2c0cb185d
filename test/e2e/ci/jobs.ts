import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** Shell that one process runs, as the CI's own runner would: what it is called, its text, what it finds around it. */
export interface Step {
  readonly name: string
  readonly text: string
  readonly env: Readonly<Record<string, string>>
}

const root = join(import.meta.dirname, '../../..')
const docs = join(root, 'docs/ci')

interface GitHubStep {
  readonly name?: string
  readonly if?: string
  readonly uses?: string
  readonly run?: string
  readonly env?: Readonly<Record<string, string>>
}
interface GitHub {
  readonly env: Record<string, string>
  readonly jobs: Record<string, { steps: GitHubStep[] }>
}
interface Action {
  readonly inputs: Record<string, { default: string }>
  readonly runs: { steps: GitHubStep[] }
}

/** The steps of one job of docs/ci/github.yml, each a bash of its own; `uses` are GitHub's affair. */
export function githubJob(job: string, secrets: Readonly<Record<string, string>>): Step[] {
  const { env, jobs } = parse(readFileSync(join(docs, 'github.yml'), 'utf8')) as GitHub
  return stepsOf(jobs[job]?.steps ?? [], { secrets }, env)
}

/** The steps of action.yml, with what a workflow says under `with`. */
export function actionSteps(given: Readonly<Record<string, string>>): Step[] {
  const { inputs: known, runs } = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as Action
  const inputs = Object.fromEntries(Object.entries(known).map(([name, input]) => [name, given[name] ?? input.default]))
  const wanted = runs.steps.filter((step) => {
    const needed = /inputs\.(\S+) != ''/.exec(step.if ?? '')?.[1]
    return needed === undefined || inputs[needed] !== ''
  })
  return stepsOf(wanted, { inputs })
}

/** `values`: what `${{ secrets.NAME }}` and `${{ inputs.NAME }}` stand for. */
function stepsOf(
  steps: readonly GitHubStep[],
  values: Readonly<Record<string, Readonly<Record<string, string>>>>,
  env: Readonly<Record<string, string>> = {},
): Step[] {
  const filled = (own: Readonly<Record<string, string>> = {}) =>
    Object.fromEntries(
      Object.entries(own).map(([name, value]) => {
        const [, kind = '', key = ''] = /^\$\{\{ (\w+)\.([\w-]+) \}\}$/.exec(value) ?? []
        return [name, kind === '' ? value : (values[kind]?.[key] ?? '')]
      }),
    )
  return steps.flatMap(({ name, run, env: own }) =>
    run === undefined ? [] : { name: name ?? run, text: run, env: { ...env, ...filled(own) } },
  )
}

type Lines = readonly (string | Lines)[]
interface GitLabJob {
  readonly extends?: string
  readonly before_script?: Lines
  readonly script?: Lines
  readonly allow_failure?: { readonly exit_codes: number }
}

/** One job of docs/ci/gitlab-ci.yml: GitLab gives all its lines to one shell. `allowed`: the exit code that is no failure. */
export function gitlabJob(name: string): Step & { readonly allowed: number | undefined } {
  const file = parse(readFileSync(join(docs, 'gitlab-ci.yml'), 'utf8'), { merge: true })
  const job: GitLabJob = file[name]
  const before: Lines = job.before_script ?? file[job.extends ?? '']?.before_script ?? []
  const lines = [before, job.script ?? []].flat(10) as string[]
  return { name, text: `${lines.join('\n')}\n`, env: file.variables, allowed: job.allow_failure?.exit_codes }
}
