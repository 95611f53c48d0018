import { endedBy, isPaused } from './control.ts';
import { isVerified } from './fleet-ending.ts';
import type { FleetLook, FleetMemory, OurRefresh } from './fleet-memory.ts';
import { groupOf, ON_ITS_WAY, refreshSeen } from './fleet-memory.ts';
import type { FleetMove } from './fleet-moves.ts';

/** Nothing to do before the next look. */
export interface Poll {
  readonly kind: 'poll';
  readonly because: string;
}

/** At the first checkpoint an instance must have joined within its rest, less what it takes to see it and to turn back. */
export const LEAST_FIRST_REST_SECONDS = 600;
const JUDGE_SECONDS = 240;
/** A way back that was refused so often is taken for none; a lost answer is no refusal yet. */
const MOST_REFUSALS = 2;

/** While the refresh is under way: it goes on, or is told to turn back. Pure. */
export function watch(memory: FleetMemory, look: FleetLook, refresh: OurRefresh): FleetMove | Poll {
  const seen = refreshSeen(memory);
  const status = seen?.status;
  if (status === 'Successful') {
    return isVerified(look)
      ? {
          kind: 'promote',
          imageId: memory.request.imageId,
          because: 'every instance runs it, and ECS knows them all',
        }
      : poll('all instances are replaced: is every one of them at work?');
  }
  if (status === undefined || refresh.turned || !ON_ITS_WAY.has(status)) {
    return poll(`the refresh is ${status ?? 'not to be seen yet'}`);
  }
  const why = whyTurn(memory, look);
  return why === undefined ? poll(`the refresh is at ${seen?.percent} %`) : turn(memory, refresh, why);
}

interface Why {
  readonly because: string;
  /** It stays where it is until somebody resumes it. */
  readonly forPause?: true;
}

/** The judgement of one look: why the refresh must not go on. */
function whyTurn(memory: FleetMemory, look: FleetLook): Why | undefined {
  const word = endedBy(look.control);
  if (word) return { because: word };
  if (isPaused(look.control)) {
    return {
      because: `${look.control?.by} paused it: what is replaced stays, nothing further is`,
      forPause: true,
    };
  }
  const stranger = look.hosts.strangers[0];
  if (stranger !== undefined && memory.atMs - (memory.strangersSinceMs ?? memory.atMs) >= joinSeconds(look) * 1000) {
    const because = `${stranger} runs the new image and is in service for EC2, but ECS has not seen it at work for ${Math.round(joinSeconds(look) / 60)} min`;
    return { because };
  }
  return undefined;
}

/** Back where AWS can do that; otherwise it is stopped where it is. */
function turn(memory: FleetMemory, { canRollBack, refusals = 0 }: OurRefresh, { because, forPause }: Why): FleetMove {
  const group = groupOf(memory);
  return canRollBack && refusals < MOST_REFUSALS && !forPause
    ? { kind: 'roll-back', group, because }
    : { kind: 'cancel-refresh', group, forPause: forPause === true, because };
}

/** How long an instance may be in service for EC2 before ECS must have it at work. */
function joinSeconds({ facts }: FleetLook): number {
  const policy = facts?.policy;
  const rest = policy === undefined || 'mistakes' in policy ? 0 : policy.checkpointDelaySeconds;
  return Math.max(LEAST_FIRST_REST_SECONDS, rest) - JUDGE_SECONDS;
}

function poll(because: string): Poll {
  return { kind: 'poll', because };
}
