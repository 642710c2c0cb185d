import type { Argv } from 'yargs'
import { defaultForks } from '../../ssh/reach/slots.ts'

/** What every command is about. */
export const inventoryArgument = <T>(argv: Argv<T>) =>
  argv.positional('inventory', {
    type: 'string',
    describe: 'The inventory; default: inventory.json here, else $PROVISION_INVENTORY',
    demandOption: true,
  })

/** … where its words begin with something else. */
export const inventoryOption = <T>(argv: Argv<T>) =>
  argv.option('inventory', {
    alias: 'i',
    type: 'string',
    requiresArg: true,
    describe: 'The inventory; default: inventory.json here, else $PROVISION_INVENTORY',
  })

/** `of`: what is left out where it is given. */
export const limitOption = <T>(argv: Argv<T>, of: string) =>
  argv.option('limit', {
    group: 'Which hosts',
    alias: 'l',
    type: 'string',
    array: true,
    nargs: 1,
    describe: `Only ${of} of this name or glob; repeatable`,
  })

export const forksOption = <T>(argv: Argv<T>) =>
  argv.option('forks', {
    group: 'How it is done',
    type: 'number',
    default: defaultForks,
    describe: 'How many hosts are worked on at once; hosts that do not answer do not count',
  })

/** … where each host is counted until it has ended. */
export const strictForksOption = <T>(argv: Argv<T>) =>
  argv.option('forks', {
    type: 'number',
    default: defaultForks,
    describe: 'So many hosts at once; 1: one after the other',
  })

/** The options of every command that looks at hosts or changes them. */
export function hostOptions<T>(argv: Argv<T>) {
  return workOptions(limitOption(inventoryArgument(argv), 'hosts or groups'))
}

/** … and of those that follow a playbook. */
export function runOptions<T>(argv: Argv<T>) {
  return hostOptions(argv).option('playbook', {
    group: 'How it is done',
    type: 'string',
    describe: 'A playbook of your own, TypeScript or JavaScript',
  })
}

/** … and of those that can do a part of all that is to be done. */
export function partOptions<T>(argv: Argv<T>) {
  return runOptions(argv)
    .option('shard', {
      group: 'Which hosts',
      type: 'string',
      describe:
        'Only this share of the hosts, such as 2/4, for a run on several machines; see `provision report merge`',
    })
    .option('resume', {
      group: 'Which hosts',
      type: 'string',
      describe: 'Go on where the run of this --json report was interrupted; hosts that were done are left out',
    })
}

/** … and of those that show or make the changes that the inventory wants. */
export function planOptions<T>(argv: Argv<T>) {
  return partOptions(argv)
    .option('diff', {
      group: 'What is printed',
      type: 'boolean',
      default: false,
      describe: 'Show every change with its diff',
    })
    .option('prune', {
      type: 'boolean',
      default: false,
      describe: 'Also remove what this inventory made on its gateways and no longer names',
    })
    .option('adopt', {
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Take over this account, unit or ADDRESS:PORT that was made by hand; repeatable',
    })
}

/** How the work is done and reported, wherever the work is described. */
export function workOptions<T>(argv: Argv<T>) {
  return forksOption(reportOptions(loginOptions(argv)))
    .option('quiet', { group: 'What is printed', type: 'boolean', default: false, describe: 'Print only the summary' })
    .option('debug', {
      group: 'What is printed',
      type: 'boolean',
      default: false,
      describe: 'Print the scripts that are sent to hosts, and how many connections the run took',
    })
    .option('confirm-within', {
      group: 'How it is done',
      type: 'number',
      default: 60,
      describe:
        'Seconds that a host waits for the login that confirms a change before it undoes the change; at least 5',
    })
    .option('trust-first', {
      group: 'Logging in',
      type: 'boolean',
      default: false,
      describe: 'Pin an unknown host key without asking; never a changed one',
    })
    .option('accept-new-host-key', {
      group: 'Logging in',
      type: 'string',
      array: true,
      nargs: 1,
      describe: 'Replace the pinned host key of this reinstalled host; repeatable',
    })
}

/** Of every command that shows its plan and asks before it changes a host. */
export const yesOption = <T>(argv: Argv<T>) =>
  argv.option('yes', {
    alias: 'y',
    type: 'boolean',
    default: false,
    describe: 'Do not ask whether the plan is to be done; nobody is asked where there is no terminal, or CI is set',
  })

/** How it is told. */
export function reportOptions<T>(argv: Argv<T>) {
  return argv
    .option('json', {
      group: 'What is printed',
      type: 'boolean',
      default: false,
      describe: 'Print the report as one JSON document',
    })
    .option('junit', {
      group: 'What is printed',
      type: 'string',
      describe: 'Write the report to this file as JUnit XML, for a CI',
    })
    .option('metrics', {
      group: 'What is printed',
      type: 'string',
      describe: 'Write the report to this file as metrics for Prometheus',
    })
    .option('verbose', {
      group: 'What is printed',
      alias: 'v',
      type: 'boolean',
      default: false,
      describe: 'Print every change with its diff, and every proof',
    })
}

/** How it logs in. */
export function loginOptions<T>(argv: Argv<T>) {
  return connectOptions(argv).option('ask-sudo-password', {
    group: 'Logging in',
    type: 'boolean',
    default: false,
    describe: 'Ask for the password of sudo; or set PROVISION_SUDO_PASSWORD',
  })
}

/** … where nothing needs root. */
export function connectOptions<T>(argv: Argv<T>) {
  return transportOption(argv).option('timeout', {
    group: 'Logging in',
    type: 'number',
    default: 10,
    describe: 'Seconds to wait for a connection, for a login, and for an answer',
  })
}

export function transportOption<T>(argv: Argv<T>) {
  return argv.option('transport', {
    group: 'Logging in',
    choices: ['node-ssh', 'openssh'] as const,
    describe:
      'The ssh that logs in to every host, whatever the inventory says: "openssh" is the ssh program of this machine',
  })
}

export type ConnectArguments = ReturnType<ReturnType<typeof connectOptions>['parseSync']>
export type LoginArguments = ReturnType<ReturnType<typeof loginOptions>['parseSync']>
export type ReportArguments = ReturnType<ReturnType<typeof reportOptions>['parseSync']>
export type WorkArguments = ReturnType<ReturnType<typeof workOptions>['parseSync']>
export type HostArguments = ReturnType<ReturnType<typeof hostOptions>['parseSync']>
export type PartArguments = ReturnType<ReturnType<typeof partOptions>['parseSync']>
export type PlanArguments = ReturnType<ReturnType<typeof planOptions>['parseSync']>
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
    .example('provision status', 'all devices, asking the gateways alone')
    .example('provision status --watch', 'again and again, until Ctrl-C')
    .epilogue('docs/status.md')

export type StatusArguments = ReturnType<ReturnType<typeof statusOptions>['parseSync']>
