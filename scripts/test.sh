#!/bin/sh
# npm test: sets up what it needs, then runs everything. Root on Debian for the end-to-end tests on real machines.
#   sh scripts/test.sh            all of it, with coverage
#   sh scripts/test.sh WORDS…     what `vitest run WORDS…` would run, after the same set-up
set -eu
cd "$(dirname "$0")/.."

sh scripts/prepare-machine.sh --tests
if [ ! -e node_modules/.package-lock.json ] || [ -n "$(find package-lock.json -newer node_modules/.package-lock.json)" ]; then
  npm ci --no-audit --no-fund
fi

npm run --silent build
if [ $# -gt 0 ]; then
  exec npx vitest run "$@"
fi

node scripts/generate.js --check
npm run --silent typecheck
npm run --silent lint
rm -rf coverage
mkdir -p coverage/children
PROVISION_COVERAGE=$PWD/coverage/children npx vitest run --coverage --project unit --project e2e
node scripts/coverage.js

# Faults, attacks and kills, three times in a row (PROVISION_ROUNDS), and nothing else beside them: the seconds of the faults
# count, and attacks and kills get what they leave of the cores.
exec npx vitest run --project matrix
