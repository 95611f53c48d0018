import { readSwitch } from '../drain/switch.ts';
import { ANY_POLICY } from './attach.ts';
import type { Check, Finding } from './checks.ts';
import { count, named, ok, problem, unknown, unread, warning } from './checks.ts';
import type { DoctorSeen } from './doctor-seen.ts';

/** Accounts with the usual quota cannot reserve the last hundred away (Lambda developer guide); only a low quota is below. */
const LOW_CONCURRENCY = 100;

export const STACK_CHECKS: readonly Check[] = [
  {
    id: 'subscribers',
    look: 'the subscriptions of the alert topic',
    because: 'A drain that is stuck, or that runs into its deadline, tells the alert topic and nobody else.',
    fix: 'aws sns subscribe --topic-arn TOPIC --protocol email --notification-endpoint YOU, and confirm the mail that comes.',
    find: findSubscribers,
  },
  {
    id: 'dead-letters',
    look: 'the number of messages in the dead-letter queue',
    because: 'Each is a notice or a drain that was given up: an instance may have been terminated undrained.',
    fix: 'Read them (aws sqs receive-message --queue-url URL), mend the cause, and delete them.',
    find: ({ deadLetters }) => {
      if (!deadLetters.ok) return [unread(deadLetters)];
      return deadLetters.value > 0
        ? [problem(`about ${count(deadLetters.value, 'message')} that nobody could handle`)]
        : [];
    },
  },
  {
    id: 'drain-function',
    look: 'whether the drain function is there, active, durable, and understands its settings',
    because: 'Drains are durable executions: without them no notice is answered.',
    fix: 'Deploy the stack anew, in a region that has Lambda durable functions; DurableConfig is set when a function is created, and never later.',
    find: findFunction,
  },
  {
    id: 'old-versions',
    look: 'drains that run, and which version of the function they began with',
    because: 'A drain keeps the code and the settings that it began with: what was deployed since does not concern it.',
    fix: 'None: the switch reaches them too. Keep the versions, topics and roles that they use.',
    find: findOldVersions,
  },
  {
    id: 'switch',
    look: 'the text of the switch',
    because:
      'Where it does not say act, or is not understood, drains change nothing: an instance waits until its hook ends.',
    fix: 'Write it anew (aws ssm put-parameter --overwrite), with the mode act once you have watched enough.',
    find: findSwitch,
  },
  {
    id: 'concurrency',
    look: "Lambda's unreserved concurrency in the region",
    because: 'All functions without a reservation share it, and ours have none: used up by others, drains begin late.',
    fix: 'Ask AWS for a higher quota (Lambda, concurrent executions).',
    find: ({ unreservedConcurrency: read }) => {
      if (!read.ok) return [unread(read)];
      return read.value < LOW_CONCURRENCY
        ? [warning(`${read.value} executions at once for all functions together`)]
        : [];
    },
  },
];

function findSubscribers({ subscriptions }: DoctorSeen): Finding[] {
  if (!subscriptions.ok) return [unread(subscriptions)];
  const pending = subscriptions.value.filter(({ confirmed }) => !confirmed);
  const waiting = `${count(pending.length, 'subscription')} not confirmed (${named(pending.map(({ protocol }) => protocol))})`;
  if (subscriptions.value.length === 0) return [problem('nobody is subscribed')];
  if (pending.length === subscriptions.value.length) return [problem(`nobody hears it: ${waiting}`)];
  return pending.length > 0 ? [warning(waiting)] : [];
}

function findFunction({ drainFunction, deployed }: DoctorSeen): Finding[] {
  if (!drainFunction.ok) return [unread(drainFunction)];
  if (drainFunction.value === undefined) return [problem('there is no such function, or its alias is gone')];
  const { durable, state } = drainFunction.value;
  return [
    ...(durable ? [] : [problem('it has no DurableConfig: Lambda runs it as a plain function')]),
    ...(state === 'Active' ? [] : [problem(`it is ${state}, not Active`)]),
    ...(deployed !== undefined && 'mistakes' in deployed ? [problem(`it does not start: ${deployed.mistakes}`)] : []),
  ];
}

function findOldVersions({ running, drainFunction }: DoctorSeen): Finding[] {
  if (!running.ok) return [unread(running)];
  if (running.value.length === 0) return [];
  if (!drainFunction.ok || drainFunction.value === undefined) return [unknown('which version is the latest')];
  const { version } = drainFunction.value;
  const versions = running.value.map(({ arn }) => /:([^:/]+)\/durable-execution\//.exec(arn)?.[1] ?? '?');
  const older = versions.filter((one) => one !== version);
  if (older.length === 0) return [ok(`${count(versions.length, 'drain')} running, of version ${version}`)];
  return [
    ok(
      `${older.length} of ${count(versions.length, 'drain')} of version ${named([...new Set(older)])}; now it is ${version}`,
    ),
  ];
}

function findSwitch({ switchText, deployed, groups, named: asked, stack }: DoctorSeen): Finding[] {
  if (!switchText.ok) return [unread(switchText)];
  const text = switchText.value;
  if (text === undefined)
    return [warning(`there is no parameter ${stack.switchParameter}: drains act, and nothing can hold them back`)];
  const policy = deployed === undefined || 'mistakes' in deployed ? ANY_POLICY : deployed;
  const region = readSwitch(text, undefined, policy);
  if ('mistakes' in region) return [problem(`it is not understood: ${region.mistakes}`)];
  const own = Object.keys((JSON.parse(text) as { groups?: object }).groups ?? {});
  const known = groups.ok ? groups.value.map(({ group }) => group.name) : undefined;
  const lost = known === undefined || asked.length > 0 ? [] : own.filter((name) => !known.includes(name));
  return [
    ...(region.mode === 'act' ? [] : [warning(`the mode is ${region.mode}`)]),
    ...own.flatMap((name) => {
      const settings = readSwitch(text, name, policy);
      if ('mistakes' in settings || settings.mode === region.mode || settings.mode === 'act') return [];
      return [warning(`the mode of ${name} is ${settings.mode}`)];
    }),
    ...(lost.length > 0 ? [warning(`it has settings for ${named(lost)}, and there is no such group`)] : []),
  ];
}
