// npm run bench -- NAME [--write] …: measures, on lab machines; needs root on Linux, as the lab does, and a quiet machine.
// fleet: how long a run takes, beside what else could do the same; herd: a gateway that all devices dial at once;
// pair: one gateway and one device, beside what a person would write for them;
// faults: how soon a tunnel is back; listeners: what the two of them cost;
// watch: what it takes to watch a thousand; watch-faults: how soon a watcher sees what happens, beside others;
// start: how soon the command line answers. --write keeps what was measured.
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const names = ['fleet', 'pair', 'herd', 'faults', 'listeners', 'start', 'watch', 'watch-faults']
const [name] = process.argv.splice(2, 1)
if (!names.includes(name)) {
  process.stderr.write(`npm run bench -- ${names.join('|')} [--write]\n`)
  process.exitCode = 2
} else if (!existsSync(fileURLToPath(new URL('../dist/cli.js', import.meta.url)))) {
  process.stderr.write('bench: there is no dist/: npm run build\n')
  process.exitCode = 2
} else await import(`./${name}.js`)
