import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'

/** Shell that one process runs, as the CI's own runner would: what it is called, its text, what it finds around it. */
export interface Step {
  readonly name: string
  readonly text: string
  readonly env: Readonly<Record<string, string>>
}

const docs = join(import.meta.dirname, '../../../docs/ci')

interface GitHub {
  readonly env: Record<string, string>
  readonly jobs: Record<
    string,
    { steps: { name?: string; uses?: string; run?: string; env?: Record<string, string> }[] }
  >
}

/** The steps of one job of docs/ci/github.yml, each a bash of its own; `uses` are GitHub's affair. */
export function githubJob(job: string, secrets: Readonly<Record<string, string>>): Step[] {
  const { env, jobs } = parse(readFileSync(join(docs, 'github.yml'), 'utf8')) as GitHub
  const filled = (values: Record<string, string> = {}) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => {
        const secret = /^\$\{\{ secrets\.(\w+) \}\}$/.exec(value)?.[1]
        return [name, secret === undefined ? value : (secrets[secret] ?? '')]
      }),
    )
  return (jobs[job]?.steps ?? []).flatMap(({ name, run, env: own }) =>
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
