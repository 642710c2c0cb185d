// A machine of a lab gets so much of a core and no more, by a control group: as slow as a small board.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { during, provision, run } from '../kit.js'

const period = 100_000

/** While the work lasts, all processes of this machine together have that many percent of one core. */
export function withShare(file, name, percent, work) {
  const { namespace } = JSON.parse(provision('lab', 'status', file, '--json')).machines.find((one) => one.name === name)
  const quota = Math.round((period * percent) / 100)
  const group = existsSync('/sys/fs/cgroup/cgroup.controllers') ? ofMachine(namespace) : beside(namespace)
  group.limit(quota)
  return during(work, () => {
    // Its lab may be gone by now.
    if (existsSync(group.folder)) group.lift()
  })
}

const pidsOf = (namespace) => run('ip', ['netns', 'pids', namespace]).split('\n').filter(Boolean)

/** cgroup v2: the group that the machine has anyway. */
function ofMachine(namespace) {
  const [, top = ''] = /^0::\/([^/\n]+)/m.exec(readFileSync(`/proc/${pidsOf(namespace)[0]}/cgroup`, 'utf8')) ?? []
  const folder = `/sys/fs/cgroup/${top}`
  writeFileSync('/sys/fs/cgroup/cgroup.subtree_control', '+cpu')
  const limit = (quota) => writeFileSync(`${folder}/cpu.max`, `${quota} ${period}`)
  return { folder, limit, lift: () => limit('max') }
}

/** cgroup v1: a group for the processes that there are; those that they start are born in it. */
function beside(namespace) {
  const folder = `/sys/fs/cgroup/cpu/bench-${namespace}`
  const move = (to) => {
    for (const pid of pidsOf(namespace)) {
      try {
        writeFileSync(`${to}/cgroup.procs`, pid)
      } catch {
        // It has ended.
      }
    }
  }
  return {
    folder,
    limit(quota) {
      mkdirSync(folder, { recursive: true })
      writeFileSync(`${folder}/cpu.cfs_period_us`, String(period))
      writeFileSync(`${folder}/cpu.cfs_quota_us`, String(quota))
      // Twice: whoever was born in between is in the second list.
      for (let round = 0; round < 2; round++) move(folder)
    },
    lift() {
      writeFileSync(`${folder}/cpu.cfs_quota_us`, '-1')
      for (let round = 0; round < 2; round++) move('/sys/fs/cgroup/cpu')
      rmdirSync(folder)
    },
  }
}
