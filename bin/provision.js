#!/usr/bin/env node
// Plain old JavaScript, so that an old Node can still read why it is too old. No module (package.json beside it): those are
// loaded later, and `--version` needs none.
var found = process.versions.node.split('.').map(Number)
if (found[0] < 20 || (found[0] === 20 && found[1] < 19)) {
  process.stderr.write(
    'provision: error: Node ' + process.versions.node + ' is too old\nprovision: hint: install Node 20.19 or newer\n',
  )
  process.exit(2)
}
if (process.platform === 'win32') {
  process.stderr.write(
    'provision: error: it does not run on Windows itself: it needs the OpenSSH, the shell and the file modes of a Unix\n' +
      'provision: hint: install it in WSL, in a Debian there; see docs/recipes.md\n',
  )
  process.exit(2)
}
if (process.argv[2] === '--version' || process.argv[2] === '-V') {
  process.stdout.write(require('../package.json').version + '\n')
} else {
  start()
}

function start() {
  var module = require('node:module')
  if (module.enableCompileCache) module.enableCompileCache()
  import('../dist/cli.js').then(
    (cli) => cli.main(process.argv.slice(2)),
    (error) => {
      process.stderr.write('provision: error: ' + error.message + '\nprovision: hint: run `npm ci` in the checkout\n')
      process.exitCode = 2
    },
  )
}
