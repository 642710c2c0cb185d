#!/usr/bin/env node
// Plain old JavaScript, so that an old Node can still read why it is too old.
var found = process.versions.node.split('.').map(Number)
if (found[0] < 20 || (found[0] === 20 && found[1] < 19)) {
  process.stderr.write(
    'provision: error: Node ' + process.versions.node + ' is too old\nprovision: hint: install Node 20.19 or newer\n',
  )
  process.exit(2)
}
if (process.argv[2] === '--version' || process.argv[2] === '-V') {
  import('node:fs').then((fs) => {
    var about = JSON.parse(fs.readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    process.stdout.write(about.version + '\n')
  })
} else {
  start()
}

function start() {
  import('node:module')
    .then((module) => {
      if (module.enableCompileCache) module.enableCompileCache()
      return import('../dist/cli.js')
    })
    .then(
      (cli) => cli.main(process.argv.slice(2)),
      (error) => {
        process.stderr.write('provision: error: ' + error.message + '\nprovision: hint: run `npm ci` in the checkout\n')
        process.exitCode = 2
      },
    )
}
