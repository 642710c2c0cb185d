import type { Argv } from 'yargs'
import { defaultForks } from '../../ssh/reach/slots.ts'

/** What every command is about. */
export const inventoryArgument = <T>(argv: Argv<T>) =>
  argv.positional('inventory', { type: 'string', describe: 'The inventory, a JSON file', demandOption: true })

/** `of`: what is left out where it is given. */
export const limitOption = <T>(argv: Argv<T>, of: string) =>
  argv.option('limit', {
    type: 'string',
    array: true,
    nargs: 1,
    describe: `Only ${of} of this name or glob; repeatable`,
  })

export const forksOption = <T>(argv: Argv<T>) =>
  argv.option('forks', {
    type: 'number',
    default: defaultForks,
    describe: 'How many hosts are worked on at once; hosts that do not answer do not count',
  })

/** The options of every command that looks at hosts or changes them. */
export function hostOptions<T>(argv: Argv<T>) {
  return workOptions(limitOption(inventoryArgument(argv), 'hosts or groups'))
}

/** … and of those that follow a playbook. */
export function runOptions<T>(argv: Argv<T>) {
  return hostOptions(argv).option('playbook', {
    type: 'string',
    describe: 'A playbook of your own, TypeScript or JavaScript',
  })
}

/** … and of those that can do a part of all that is to be done. */
export function partOptions<T>(argv: Argv<T>) {
  return runOptions(argv)
    .option('shard', {
      type: 'string',
      describe:
        'Only this share of the hosts, such as 2/4, for a run on several machines; see `provision report merge`',
    })
    .option('resume', {
      type: 'string',
      describe: 'Go on where the run of this --json report was interrupted; hosts that were done are left out',
    })
}

/** How the work is done and reported, wherever the work is described. */
export function workOptions<T>(argv: Argv<T>) {
  return forksOption(reportOptions(loginOptions(argv)))
    .option('quiet', { type: 'boolean', default: false, describe: 'Print only the summary' })
    .option('debug', {
      type: 'boolean',
      default: false,
      describe: 'Print the scripts that are sent to hosts, and how many connections the run took',
    })
    .option('confirm-within', {
      type: 'number',
      default: 60,
      describe:
        'Seconds that a host waits for the login that confirms a change before it undoes the change; at least 5',
    })
    .option('trust-first', {
      type: 'boolean',
      default: false,
      describe: 'Pin an unknown host key without asking; never a changed one',
    })
    .option('accept-new-host-key', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Replace the pinned host key of this reinstalled host; repeatable',
    })
}

/** Of every command that shows its plan and asks before it changes a host. */
export const yesOption = <T>(argv: Argv<T>) =>
  argv.option('yes', {
    type: 'boolean',
    default: false,
    describe: 'Do not ask whether the plan is to be done; nobody is asked where there is no terminal, or CI is set',
  })

/** How it is told. */
export function reportOptions<T>(argv: Argv<T>) {
  return argv
    .option('json', { type: 'boolean', default: false, describe: 'Print the report as one JSON document' })
    .option('junit', { type: 'string', describe: 'Write the report to this file as JUnit XML, for a CI' })
    .option('metrics', { type: 'string', describe: 'Write the report to this file as metrics for Prometheus' })
    .option('verbose', {
      type: 'boolean',
      default: false,
      describe: 'Print every change with its diff, and every proof',
    })
}

/** How it logs in. */
export function loginOptions<T>(argv: Argv<T>) {
  return transportOption(argv)
    .option('timeout', { type: 'number', default: 10, describe: 'Seconds to wait for a connection, and for a login' })
    .option('ask-sudo-password', {
      type: 'boolean',
      default: false,
      describe: 'Ask for the password of sudo; or set PROVISION_SUDO_PASSWORD',
    })
}

export function transportOption<T>(argv: Argv<T>) {
  return argv.option('transport', {
    choices: ['node-ssh', 'openssh'] as const,
    describe:
      'The ssh that logs in to every host, whatever the inventory says: "openssh" is the ssh program of this machine',
  })
}

export type LoginArguments = ReturnType<ReturnType<typeof loginOptions>['parseSync']>
export type ReportArguments = ReturnType<ReturnType<typeof reportOptions>['parseSync']>
export type WorkArguments = ReturnType<ReturnType<typeof workOptions>['parseSync']>
export type HostArguments = ReturnType<ReturnType<typeof hostOptions>['parseSync']>
export type PartArguments = ReturnType<ReturnType<typeof partOptions>['parseSync']>
export type RunArguments = ReturnType<ReturnType<typeof runOptions>['parseSync']>

export const statusOptions = (argv: Argv) =>
  loginOptions(
    forksOption(limitOption(inventoryArgument(argv), 'forwards of devices, gateways or groups'))
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'Print one JSON document; with --watch, one per line',
      })
      .option('html', {
        type: 'string',
        requiresArg: true,
        describe: 'Also write the status to this file, as an HTML page',
      })
      .option('watch', { type: 'boolean', default: false, describe: 'Look again and again until Ctrl-C' })
      .option('interval', { type: 'number', default: 5, describe: 'Seconds between two looks with --watch' }),
  )

export type StatusArguments = ReturnType<ReturnType<typeof statusOptions>['parseSync']>
