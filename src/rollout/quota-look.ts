import type { QuotaSeen, QuotasPort, RunningSeen } from './ports.ts';
import type { Need, QuotaFacts } from './quotas.ts';
import { inUse, tightest } from './quotas.ts';
import { read } from './reading.ts';

/** How a fleet that has these instances stands to the quotas of what it needs. */
export type QuotaLook = (
  instanceIds: readonly string[],
  needsOf: (own: readonly RunningSeen[]) => readonly Need[],
) => Promise<QuotaFacts | undefined>;

/** For the fleets of one look: what runs, and each quota, is asked for once, and only when a fleet has a use for it. */
export function quotaLook(port: QuotasPort): QuotaLook {
  let counted: Awaited<ReturnType<typeof count>> | undefined;
  const quotas = new Map<string, QuotaSeen>();
  const asked = new Set<string>();
  return async (instanceIds, needsOf) => {
    if (instanceIds.length === 0) return undefined;
    counted ??= await count(port);
    const { byId, used } = counted;
    const needs = needsOf(instanceIds.flatMap((id) => byId.get(id) ?? []));
    for (const { code } of needs.filter((one) => !asked.has(one.code))) {
      const quota = read(await port.quota(code));
      asked.add(code);
      if (quota) quotas.set(code, quota);
    }
    return tightest(needs, used, quotas);
  };
}

/** Where there are too many to count, it is as if none ran: then no fleet needs anything of what is known. */
async function count(port: QuotasPort) {
  const running = read(await port.running()) ?? [];
  return { byId: new Map(running.map((one) => [one.id, one])), used: inUse(running) };
}
