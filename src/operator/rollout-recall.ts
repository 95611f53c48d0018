import type { Course, Step } from '../loop.ts';
import { rest } from '../rollout/course.ts';
import { decide } from '../rollout/decide.ts';
import { decideFleet } from '../rollout/fleet-decide.ts';
import type { FleetMemory } from '../rollout/fleet-memory.ts';
import { beginFleet, rememberFleet } from '../rollout/fleet-memory.ts';
import type { ReleaseMemory } from '../rollout/memory.ts';
import { begin, remember } from '../rollout/memory.ts';
import type { FleetRequest, ReleaseRequest } from '../rollout/request.ts';
import { RolloutRequest } from '../rollout/request.ts';
import { decideSpot } from '../rollout/spot-decide.ts';
import type { SpotMemory } from '../rollout/spot-memory.ts';
import { beginSpot, rememberSpot } from '../rollout/spot-memory.ts';
import { parsed } from './recall.ts';

/** What a rollout's execution knows, as far as its history can be followed. */
export interface Recalled<Memory> {
  readonly memory: Memory;
  /** False where another version of the code made it: then this is what could be made of it. */
  readonly isWhole: boolean;
}

/** What the input of an execution asks for; undefined for what this version does not know. */
export function requestIn(input: string): RolloutRequest | undefined {
  const read = RolloutRequest.safeParse(parsed(input));
  return read.success ? read.data : undefined;
}

/** @param answers what its steps answered, as JSON, oldest first. */
export function recallRelease(request: ReleaseRequest, answers: readonly string[]): Recalled<ReleaseMemory> {
  return replayed({ decide, remember, rest }, begin(request), answers);
}

export type RecalledFleet =
  | ({ readonly kind: 'group' } & Recalled<FleetMemory>)
  | ({ readonly kind: 'spot' } & Recalled<SpotMemory>);

export function recallFleet(request: FleetRequest, answers: readonly string[]): RecalledFleet {
  if (request.fleet.startsWith('spot-fleet/')) {
    const course = { decide: decideSpot, remember: rememberSpot, rest: rest<SpotMemory> };
    return { kind: 'spot', ...replayed(course, beginSpot(request), answers) };
  }
  const course = { decide: decideFleet, remember: rememberFleet, rest: rest<FleetMemory> };
  return { kind: 'group', ...replayed(course, beginFleet(request), answers) };
}

/** Waits between two steps; there is one, or two. */
const MOST_WAITS = 100;

/**
 * The course is run again over what its steps answered, as Lambda does it after a crash. Where it would have made another
 * move, the execution is of another version: answers that say all by themselves are still taken, the others passed over.
 */
function replayed<Memory, Move extends Step, Seen extends { readonly kind: string }, Outcome>(
  { decide: next, remember: add, rest: wait }: Omit<Course<Memory, Move, Seen, Outcome>, 'carryOut'>,
  start: Memory,
  answers: readonly string[],
): Recalled<Memory> {
  let memory = start;
  let isWhole = true;
  for (const answer of answers) {
    const seen = parsed(answer) as Seen | undefined;
    if (typeof seen?.kind !== 'string') {
      isWhole = false;
      continue;
    }
    try {
      let now = memory;
      let move = next(now);
      for (let waits = 0; move.kind === 'wait' && waits < MOST_WAITS; waits++) {
        now = wait(now, move as Parameters<typeof wait>[1]);
        move = next(now);
      }
      const isSame = move.kind === seen.kind;
      if (isSame) memory = add(now, move as Move, seen);
      else if (STANDING_ALONE.has(seen.kind)) memory = add(memory, { kind: seen.kind, because: '' } as Move, seen);
      isWhole &&= isSame;
    } catch {
      // Members of another version's answers, where this one expects its own.
      isWhole = false;
    }
  }
  return { memory, isWhole };
}

const STANDING_ALONE: ReadonlySet<string> = new Set(['survey', 'look', 'alert']);
