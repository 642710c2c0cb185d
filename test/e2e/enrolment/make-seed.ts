import { prepareEnrolment } from '../../../src/commands/shared/prepare-enrolment.ts'

// INVENTORY DEVICE HOURS [PRIVATE-HOST-KEY…]: the seed as JSON on stdout, behind the report of the run that tells the gateways.
const [inventory = '', device = '', hours, ...keepIdentity] = process.argv.slice(2)
const argv = {
  inventory,
  json: false,
  quiet: false,
  verbose: false,
  debug: false,
  forks: 10,
  timeout: 10,
  confirmWithin: 60,
  trustFirst: false,
  askSudoPassword: false,
}
const seed = await prepareEnrolment(argv as unknown as Parameters<typeof prepareEnrolment>[0], {
  device,
  hours: Number(hours),
  ...(keepIdentity.length > 0 && { keepIdentity }),
})
process.stdout.write(`\n@seed ${JSON.stringify(seed ?? null)}\n`)
