import type { Argv, CommandModule } from 'yargs'
import { inventoryArgument, loginOptions } from './shared/options.ts'
import type { ServiceArguments } from './shared/watch-service.ts'

interface Arguments extends ServiceArguments {
  readonly install: boolean
  readonly uninstall: boolean
  readonly on?: string
}

export const watchCommand: CommandModule<unknown, Arguments> = {
  command: 'watch <inventory>',
  describe: 'Watch all devices as long as it runs, and tell you who goes and comes back',
  builder: (argv: Argv) =>
    loginOptions(
      inventoryArgument(argv)
        .option('every', {
          type: 'string',
          default: '30s',
          describe: 'Seconds between two looks at a gateway that tells nothing by itself; from 5 to 3600',
        })
        .option('state', {
          type: 'string',
          requiresArg: true,
          describe: 'The folder of the record, instead of the usual one',
        })
        .option('listen', {
          type: 'string',
          requiresArg: true,
          describe:
            'Serve a page that shows all of it and updates itself, and metrics, at this address: 127.0.0.1:8022',
        })
        .option('expose', {
          type: 'boolean',
          default: false,
          describe: 'Let others than this machine see the page; needs --token',
        })
        .option('token', {
          type: 'string',
          requiresArg: true,
          describe: 'Where the token is kept that the page asks for: env:NAME or file:PATH',
        })
        .option('key', {
          type: 'string',
          requiresArg: true,
          describe: 'Look at the gateways with this key, which can do nothing else there ("watch": "keys")',
        })
        .option('install', {
          group: 'As a service',
          type: 'boolean',
          default: false,
          describe: 'Run it as a service of this machine, with a key of its own that can only look; needs root',
        })
        .option('on', {
          group: 'As a service',
          type: 'string',
          requiresArg: true,
          implies: 'install',
          describe: 'Say instead how to install it on this gateway',
        })
        .option('least-privilege', {
          group: 'As a service',
          type: 'boolean',
          default: false,
          describe: 'With --install: also try, with its key, all that it must not be able to do',
        })
        .option('uninstall', {
          group: 'As a service',
          type: 'boolean',
          default: false,
          describe: 'Take that service away, and its key; the record stays',
        })
        .option('test-alerts', {
          type: 'boolean',
          default: false,
          describe: 'Send a test message to every target of the inventory, say what became of it, and end',
        })
        .option('verbose', { type: 'boolean', default: false, describe: 'Print also what is seen before it counts' })
        .option('json', {
          type: 'boolean',
          default: false,
          describe: 'Print what happens as JSON, one event per line',
        }),
    )
      .example('provision watch --listen 127.0.0.1:8022', 'with a live page')
      .example('provision watch --test-alerts', 'does a message arrive?')
      .example('sudo provision watch --install', 'as a service of this machine')
      .epilogue('docs/watch.md') as never,
  async handler(argv) {
    if (argv.install || argv.uninstall) {
      const { explainWatchOn, installWatch, uninstallWatch } = await import('./shared/watch-service.ts')
      if (argv.uninstall) await uninstallWatch(argv.inventory)
      else if (argv.on !== undefined) await explainWatchOn(argv.inventory, argv.on)
      else await installWatch(argv)
    } else if (argv.testAlerts) {
      const { testAlerts } = await import('./shared/test-alerts.ts')
      await testAlerts(argv.inventory)
    } else {
      const { keepWatch } = await import('./shared/keep-watch.ts')
      await keepWatch(argv)
    }
  },
}
