import { Command, CommanderError } from 'commander';
import { demo } from './demo.ts';
import { simulate } from './simulate.ts';
import { soak } from './soak.ts';
import { UsageError } from './usage.ts';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Runs one command and answers its exit code: 0 done, 1 it found something wrong, 2 it could not use what it was given. */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('ecs-drain')
    .description('Takes ECS container instances out of service without dropping a request.')
    .exitOverride()
    .showHelpAfterError('(--help shows how)');

  program
    .command('simulate')
    .description('run the built functions in an embedded AWS, in virtual time')
    .option('--scenario <name or file.json>', 'what happens', 'standard')
    .option('--seed <number>', 'which run of it', '1')
    .option('--json', 'the whole report, and nothing else, on standard output')
    .option('--serve', 'no functions: the embedded AWS alone, over HTTP on loopback, in real time')
    .option('--port <number>', 'with --serve; 0 takes a free one (default 4566)')
    .action(async (options) => {
      exitCode = await simulate(options, print);
    });

  program
    .command('soak')
    .description('random fleets, events and faults, a seed each: nothing unsafe may happen, and everything must end')
    .option('--seeds <number>', 'how many', '100')
    .option('--from <number>', 'the first of them; fresh ones unless given')
    .option('--scenarios <names>', 'named scenarios instead, separated by commas, or all')
    .option('--engine <name>', 'store (fast) or sdk (the real durable execution SDK)', 'store')
    .action(async (options) => {
      exitCode = await soak(options, print);
    });

  program
    .command('demo')
    .description('watch one instance leave, with and without a drain')
    .option('--seed <number>', 'which run of it', '7')
    .action(async (options) => {
      exitCode = await demo(options, print);
    });

  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has printed its own message; --help and --version come here too, with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`ecs-drain: ${error.message}\n`);
    return 2;
  }
}
