import { Command, CommanderError } from 'commander';
import { addAmis } from './amis.ts';
import { addAttach } from './attach.ts';
import { addCancel } from './cancel.ts';
import { addDemo } from './demo.ts';
import { addDetach } from './detach.ts';
import { addDoctor } from './doctor.ts';
import { addDrain } from './drain.ts';
import { addPause, addResume } from './pause.ts';
import { addRehearse } from './rehearse.ts';
import { addRemovable } from './removable.ts';
import { addRollout } from './rollout.ts';
import { addSimulate } from './simulate.ts';
import { addSoak } from './soak.ts';
import { addStatus } from './status.ts';
import type { Print, Run } from './usage.ts';
import { UsageError } from './usage.ts';

/** Each adds one command with its options, in the order in which the help shows them. */
const COMMANDS: readonly ((program: Command, run: Run, print: Print) => void)[] = [
  addAttach,
  addDetach,
  addDoctor,
  addStatus,
  addDrain,
  addCancel,
  addPause,
  addResume,
  addRehearse,
  addAmis,
  addRollout,
  addRemovable,
  addDemo,
  addSimulate,
  addSoak,
];

const print: Print = (text) => void process.stdout.write(`${text}\n`);

/** Runs one command and answers its exit code: 0 done, 1 it found something wrong, 2 it could not use what it was given. */
export async function main(argv: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('ecs-drain')
    .description('Takes ECS container instances out of service without dropping a request.')
    .exitOverride()
    .showHelpAfterError('(--help shows how)');
  const run: Run = async (work) => {
    exitCode = await work;
  };
  for (const add of COMMANDS) add(program, run, print);

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
