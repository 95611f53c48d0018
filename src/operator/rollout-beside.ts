import type { Place } from '../place.ts';
import { placeOptions } from '../place.ts';
import type { RolloutRequest } from '../rollout/request.ts';
import { executionName } from '../rollout/request.ts';

/** What somebody is about to order. */
export interface Order {
  readonly source: string;
  /** Ids of the fleets that it would roll. */
  readonly fleets: readonly string[];
}

/** People read no list of a thousand. */
const MOST_NAMED = 5;

/** A rollout that an order would run beside: what it does, and the command that ends it, in its parts. */
export interface Beside {
  readonly because: string;
  readonly command: readonly string[];
}

/**
 * The rollouts that are under way already and have the order's source, or one of its fleets, with what to do. Pure.
 * @param running what the executions that have not ended were asked: releases, and fleets of releases.
 */
export function underWay(running: readonly RolloutRequest[], order: Order, place: Place): Beside[] {
  const found = new Map<string, string[]>();
  for (const request of running) {
    if (request.kind === 'release') {
      const { source, fleets } = request;
      const isBeside = fleets === undefined || fleets.some((id) => order.fleets.includes(id));
      if (source === order.source && isBeside) add(found, executionName(request));
    } else if (order.fleets.includes(request.fleet)) add(found, request.release, request.fleet);
  }
  return [...found].map(([name, fleets]) => {
    const some = fleets.slice(0, MOST_NAMED).join(', ');
    const more = fleets.length > MOST_NAMED ? ` and ${fleets.length - MOST_NAMED} more` : '';
    const what = fleets.length === 0 ? `A rollout of ${order.source} is under way` : `${some}${more}: being rolled`;
    return {
      because: `${what} already, by ${name}. Wait for it, or end it first:`,
      command: ['ecs-drain rollout cancel', name, ...placeOptions(place)],
    };
  });
}

function add(found: Map<string, string[]>, name: string, fleet?: string): void {
  found.set(name, [...(found.get(name) ?? []), ...(fleet === undefined ? [] : [fleet])]);
}
