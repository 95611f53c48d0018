import type { Command } from 'commander';
import type { Session } from '../src/aws/session.ts';
import { openSession } from '../src/aws/session.ts';
import { stackOutputs } from '../src/aws/stack.ts';
import { explain } from '../src/operator/explain.ts';
import type { Stack } from '../src/operator/stack.ts';
import { readStack } from '../src/operator/stack.ts';
import { DEFAULT_STACK } from '../src/place.ts';
import type { Result } from '../src/ports.ts';
import { UsageError } from './usage.ts';

export { explain };

/** What every command that talks to AWS can be told. */
export interface OperatorOptions {
  readonly stack: string;
  readonly region?: readonly string[];
  readonly profile?: string;
  readonly json?: boolean;
}

/** Where a command is at work: one region, and the stack of ecs-drain in it. */
export interface Here {
  readonly aws: Session;
  readonly stack: Stack;
}

/** One region's answer, or why there is none. */
export type Answer<T> = { readonly region: string } & (
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string }
);

export function talksToAws(command: Command): Command {
  const collect = (value: string, all: readonly string[] = []): readonly string[] => [...new Set([...all, value])];
  return command
    .option('--stack <name>', 'the CloudFormation stack of ecs-drain', DEFAULT_STACK)
    .option('--region <name>', "give it again for more regions (default: your shell's)", collect)
    .option('--profile <name>', 'a profile of your AWS configuration')
    .option('--json', 'one JSON document, and nothing else, on standard output');
}

/** A call that a command cannot do without has failed. */
export class CallFailed extends Error {
  override readonly name = 'CallFailed';
}

/** The value of a call. @throws CallFailed with words that a person can act on. */
export function need<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new CallFailed(explain(result));
}

/**
 * Asks in every region at once, in the order they were given. What fails in one is that one's answer and hides no other.
 * @throws UsageError when there is no region at all.
 */
export async function inRegions<T>(options: OperatorOptions, ask: (here: Here) => Promise<T>): Promise<Answer<T>[]> {
  const { profile } = options;
  const opened = await Promise.all(
    (options.region ?? [undefined]).map((region) =>
      openSession({ region, profile }).catch((error: Error) => {
        throw new UsageError(`no region: give --region, or set AWS_REGION (${error.message})`);
      }),
    ),
  );
  return Promise.all(opened.map((aws) => askOne(aws, options.stack, ask)));
}

async function askOne<T>(aws: Session, name: string, ask: (here: Here) => Promise<T>): Promise<Answer<T>> {
  return answered(aws.region, async () => ask({ aws, stack: await findStack(aws, name) }));
}

async function answered<T>(region: string, ask: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { region, ok: true, value: await ask() };
  } catch (error) {
    if (error instanceof CallFailed) return { region, ok: false, problem: error.message };
    throw error;
  }
}

/** Asks on, where there was an answer; a region without one stays as it is. */
export function askOn<T, U>(answers: readonly Answer<T>[], ask: (value: T) => Promise<U>): Promise<Answer<U>[]> {
  return Promise.all(
    answers.map((answer) => (answer.ok ? answered(answer.region, () => ask(answer.value)) : Promise.resolve(answer))),
  );
}

async function findStack(aws: Session, name: string): Promise<Stack> {
  const outputs = need(await stackOutputs(aws.cloudFormation, name));
  if (outputs === undefined) {
    throw new CallFailed(`there is no stack ${name}: deploy it, or name yours with --stack`);
  }
  const stack = readStack(name, outputs);
  if ('missing' in stack) {
    throw new CallFailed(`stack ${name} is not one of ecs-drain: it has no output ${stack.missing.join(', ')}`);
  }
  return stack;
}
