import { isDone } from '../drain/coming-back.ts';
import type { Memory } from '../drain/memory.ts';
import { purposeOf } from '../drain/purpose.ts';
import type { Placement } from '../drain/seen.ts';

/** What becomes of the wish to call the drain of one instance off. */
export type Cancellation = { readonly notes: readonly string[] } & (
  | { readonly action: 'activate'; readonly placements: readonly Placement[] }
  | { readonly action: 'refused'; readonly because: string }
);

/**
 * A drain is called off by setting its container instance ACTIVE: the drain sees that at its next look, and ends. Where
 * that would not end it, or nothing is DRAINING yet, it is refused with what can be done instead. Pure.
 * @param drains what is known of each drain of the instance that is under way; undefined where nothing is
 */
export function cancellation(drains: readonly (Memory | undefined)[], nowMs: number): Cancellation {
  if (drains.length === 0) return refused('no drain of it is under way');
  const known = drains.filter((memory) => memory !== undefined);
  if (known.length < drains.length) {
    return refused(
      'its drain is of another version than this command, which cannot tell whether it can be called off',
      'If nothing takes the instance away, set its container instance ACTIVE by hand.',
    );
  }
  const obstacle = known.map((memory) => obstacleOf(memory, nowMs)).find((found) => found !== undefined);
  if (obstacle) return obstacle;
  const placements = new Map(known.flatMap(toActivate).map((one) => [one.arn, one]));
  return { action: 'activate', placements: [...placements.values()], notes: [...new Set(known.flatMap(notesOn))] };
}

function refused(because: string, ...notes: string[]): Cancellation {
  return { action: 'refused', because, notes };
}

/** Why this drain cannot be called off, or not in this way. */
function obstacleOf(memory: Memory, nowMs: number): Cancellation | undefined {
  const { request, settings, group } = memory;
  const { callable, startAtMs, action } = purposeOf(request, settings.policy);
  if (request.kind === 'terminating') {
    return refused(
      `its group ${request.group} is terminating it: Auto Scaling takes it, whatever its tasks do`,
      `ecs-drain pause ${request.group} holds it as it is, until the global timeout of the hook.`,
      'deadlineSeconds in the policy of the switch gives its tasks longer.',
    );
  }
  if (!callable) return refused('AWS takes its Spot capacity two minutes after the warning: nothing can keep it');
  if (isDone(memory)) {
    return refused('its tasks have gone already, and it is set ACTIVE by itself when it is back');
  }
  if (memory.drainingSinceMs !== undefined) return undefined;
  if (nowMs < startAtMs && action !== 'notify') {
    const policy = { policy: { maintenance: 'notify' } };
    const text = JSON.stringify(group === undefined ? policy : { groups: { [group]: policy } });
    return refused(
      `its drain begins at ${new Date(startAtMs).toISOString()}, so nothing is DRAINING yet`,
      `To keep it from beginning, put this into the switch: ${text}`,
    );
  }
  return refused('its drain has not begun, so nothing is DRAINING yet: try again in a minute');
}

function notesOn(memory: Memory): string[] {
  return [
    ...(activeBefore(memory)?.length === 0
      ? ['It was DRAINING before this drain began: somebody else may want it so.']
      : []),
    memory.settings.mode === 'pause'
      ? 'The switch says pause: the drain sees it, and ends, when somebody resumes.'
      : 'The drain sees it at one of its next looks, and ends as cancelled within about three minutes.',
  ];
}

/** By ARN; only a drain that sets them ACTIVE again in the end has looked before it set them DRAINING. */
function activeBefore({ ours, request, settings }: Memory): readonly string[] | undefined {
  return purposeOf(request, settings.policy).restore ? ours : undefined;
}

/** Not what an earlier agent has left behind, where that is known. */
function toActivate(memory: Memory): readonly Placement[] {
  const { placements = [] } = memory;
  const active = activeBefore(memory) ?? [];
  return active.length === 0 ? placements : placements.filter(({ arn }) => active.includes(arn));
}
