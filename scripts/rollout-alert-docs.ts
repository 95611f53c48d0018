import type { RolloutAlertKind } from '../src/alert.ts';
import { renderAlert } from '../src/alert.ts';
import { readTags } from '../src/rollout/tags.ts';
import type { RolloutAlert } from '../src/rollout/telling.ts';
import { fleet, OLD, policy } from '../test/rollout/builders.ts';
import { playFleet } from '../test/rollout/fleet-world.ts';
import { play } from '../test/rollout/release-world.ts';
import type { Example } from './alert-docs.ts';

const BROKEN =
  'rolled back to the image before: i-0new runs the new image and is in service for EC2, but ECS has not seen it at work for 11 min';
const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-alerts';

const group = (name: string, tags: Readonly<Record<string, string>> = {}) =>
  fleet({ id: `group/${name}`, policy: policy(tags), agents: { [OLD]: ['agent 1.97.0, Docker version 25.0.8'] } });
const fleets = [
  group('canary-asg'),
  group('web-asg', { 'ecs-drain:wave': '2', 'ecs-drain:window': 'Tue-Thu 02:00-05:00 Europe/Berlin' }),
];
const byHand = [
  group('canary-asg', { 'ecs-drain:ami': 'approve' }),
  group('web-asg', { 'ecs-drain:ami': 'approve', 'ecs-drain:wave': '2' }),
];

const mistaken = readTags({ 'ecs-drain:ami': 'auto', 'ecs-drain:windw': '02:00-05:00 UTC' });
const alone = [
  { ...group('batch-asg'), ...(mistaken && { policy: mistaken }) },
  { ...group('old-asg'), launch: 'configuration' } as const,
];

/** The course in which each kind is heard: the decisions are the code's own, the world is a script. */
const COURSES: Readonly<Record<Exclude<RolloutAlertKind, 'resolved'>, () => readonly RolloutAlert[]>> = {
  'image-available': () => play({ fleets }).alerts,
  'approval-needed': () => play({ fleets: byHand, says: [{ atHours: 1, word: 'approve' }] }).alerts,
  'fleet-left-alone': () => play({ fleets: [...fleets, ...alone] }).alerts,
  'rollout-started': () => playFleet().alerts,
  'rollout-done': () => play({ fleets }).alerts,
  'rollout-ended': () => play({ fleets: byHand, says: [{ atHours: 1, word: 'reject' }] }).alerts,
  'rollout-waiting': () => playFleet({ facts: (at) => (at < 90 ? { unsteady: ['api'] } : {}) }).alerts,
  'rollout-paused': () =>
    playFleet({
      says: [
        { atMinutes: 12, word: 'pause' },
        { atMinutes: 100, word: 'resume' },
      ],
    }).alerts,
  'rollout-stuck': () =>
    play({ fleets, failing: (call, kind) => (kind === 'look' && call < 40 ? 'refused' : undefined) }).alerts,
  'rollout-stopped': () =>
    play({ fleets, ends: { 'group/canary-asg': { outcome: 'rolled-back', afterHours: 1, because: BROKEN } } }).alerts,
  'rolled-back': () => playFleet({ agentNeverJoins: true }).alerts,
  'rollout-failed': () => playFleet({ turns: { afterMinutes: 12, status: 'RollbackFailed' } }).alerts,
};

/** What both drains and rollouts say: here, that an approval is not waited for any more. */
export function resolvedExample(): Example {
  const heard = COURSES['approval-needed']().find(({ kind }) => kind === 'resolved');
  if (heard === undefined) throw new Error('nobody hears that an approval was given');
  return renderAlert(heard, TOPIC);
}

/** An alert of each kind that only rollouts have. */
export function rolloutExamples(): ReadonlyMap<RolloutAlertKind, Example> {
  const found = new Map<RolloutAlertKind, Example>();
  for (const [kind, course] of Object.entries(COURSES)) {
    const heard = course().find((alert) => alert.kind === kind);
    if (heard === undefined) throw new Error(`nobody hears ${kind} in its course`);
    found.set(heard.kind, renderAlert(heard, TOPIC));
  }
  return found;
}
