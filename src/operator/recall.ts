import type { DrainPolicy } from '../config.ts';
import type { Memory } from '../drain/memory.ts';
import { begin } from '../drain/memory.ts';
import { remember } from '../drain/remember.ts';
import { DrainRequest } from '../drain/request.ts';
import type { Seen } from '../drain/seen.ts';
import type { History } from './executions.ts';

/** What can be told of one drain from its history. */
export interface Recalled {
  /** As the drain itself has it; undefined when its request is of a form that is not known here. */
  readonly memory: Memory | undefined;
  /** The policy in it is the drain's own; else there is nothing to say of times. */
  readonly isPolicyKnown: boolean;
}

/** Stands in where nobody knows what the function was deployed with; nothing is concluded from it. */
const SOME_POLICY: DrainPolicy = {
  deadlineSeconds: 3_000,
  stuckAfterSeconds: 600,
  atDeadline: 'CONTINUE',
  spotInterruption: 'drain',
  rebalance: 'notify',
  maintenance: 'notify',
  maintenanceLeadSeconds: 86_400,
};

/**
 * What a drain knows, made from what its steps have answered in the way in which it does that itself. Pure. A drain may be
 * of an older or a newer version than this code: answers that cannot be understood are passed over.
 */
export function recall({ input, answers, deployed }: History): Recalled {
  const request = DrainRequest.safeParse(parsed(input));
  if (!request.success) return { memory: undefined, isPolicyKnown: false };
  let memory = begin(request.data, deployed ?? SOME_POLICY);
  let isPolicyKnown = deployed !== undefined;
  for (const { payload } of answers) {
    const seen = parsed(payload);
    if (typeof seen !== 'object' || seen === null) continue;
    const next = remembered(memory, seen as Seen);
    if (next === undefined) continue;
    isPolicyKnown ||= next.settings !== memory.settings;
    memory = next;
  }
  return { memory, isPolicyKnown };
}

/** Undefined when it is nothing that this code would have answered. */
function remembered(memory: Memory, seen: Seen): Memory | undefined {
  try {
    const next: Memory | undefined = remember(memory, seen);
    return next !== undefined && Number.isFinite(next.atMs) ? next : undefined;
  } catch {
    return undefined;
  }
}

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
