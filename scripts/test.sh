#!/bin/sh
# npm test: sets up what it needs, then runs everything. Root on Debian for the end-to-end tests on real machines.
#   sh scripts/test.sh            all of it, with coverage
#   sh scripts/test.sh WORDS…     what `vitest run WORDS…` would run, after the same set-up
set -eu
cd "$(dirname "$0")/.."

sh scripts/prepare-machine.sh --tests &
machine=$!
if [ ! -e node_modules/.package-lock.json ] || [ -n "$(find package-lock.json -newer node_modules/.package-lock.json)" ]; then
  npm ci --no-audit --no-fund
fi
wait "$machine"

npm run --silent build
if [ $# -gt 0 ]; then
  exec npx vitest run "$@"
fi

node scripts/generate.js --check &
generated=$!
npm run --silent lint &
linted=$!
npm run --silent typecheck
wait "$generated"
wait "$linted"
rm -rf coverage
mkdir -p coverage/children
# Faults and attacks are gone through three times in a row, and kills in three rounds (PROVISION_ROUNDS).
PROVISION_COVERAGE=$PWD/coverage/children npx vitest run --coverage
node scripts/coverage.js
