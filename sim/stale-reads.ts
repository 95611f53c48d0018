import { sandboxes } from './virtual-time.ts';
import type { WireCall, WireResponse } from './wire.ts';
import type { World } from './world.ts';

/** How old an answer is at most when it arrives, give or take its way. */
const OLDEST_MS = 5_000;

/** An answer, and how much later than usual it arrives. */
export interface ReadAnswer {
  readonly response: WireResponse;
  readonly lateMs: number;
}

/**
 * Eventual consistency: some reads are answered with what was true a moment ago. That is an earlier answer to the same
 * question, where there is one young enough; else today's answer, held back until it is no longer quite true.
 */
export function createStaleReads(
  world: World,
  probability: () => number,
  answer: (call: WireCall) => WireResponse,
): (call: WireCall) => ReadAnswer {
  const { clock } = world;
  const random = world.random('stale-reads');
  const answers = new Map<string, { readonly atMs: number; readonly response: WireResponse }[]>();

  return (call) => {
    const share = probability();
    if (share === 0 || !/^(Describe|List)/.test(call.operation)) return { response: answer(call), lateMs: 0 };
    const question = `${call.service}:${call.operation} ${JSON.stringify(call.input)}`;
    const young = (answers.get(question) ?? []).filter(({ atMs }) => clock.nowMs() - atMs <= OLDEST_MS);
    answers.set(question, young);
    const isStale = random.chance(share);
    const old = isStale && young.length > 0 ? young[random.int(0, young.length - 1)] : undefined;
    if (old) {
      world.emit({
        kind: 'call',
        service: call.service,
        operation: call.operation,
        error: undefined,
        input: call.input,
        by: sandboxes.getStore()?.executionName,
      });
      return { response: { ...old.response, headers: { ...old.response.headers } }, lateMs: 0 };
    }
    const response = answer(call);
    if (response.statusCode === 200) young.push({ atMs: clock.nowMs(), response });
    return { response, lateMs: isStale ? random.int(0, OLDEST_MS) : 0 };
  };
}
