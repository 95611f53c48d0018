import type { QuotaSeen, RunningSeen } from './ports.ts';
import type { FleetPolicy } from './tags.ts';
import { atOnce } from './tags.ts';

/** Of the quotas that a fleet needs room in, the one with the least of it. */
export interface QuotaFacts {
  /** As Service Quotas calls it. */
  readonly name: string;
  /** That launch before anything goes. */
  readonly instances: number;
  readonly neededVCpus: number;
  /** Below zero where more run than the quota allows: nobody ends what runs when a quota is lowered. */
  readonly leftVCpus: number;
}

/** Codes of Service Quotas: what one kind of instance types may run in vCPUs. Undefined: none that is known. */
interface Codes {
  readonly onDemand: string;
  readonly spot: string | undefined;
}

/**
 * "On-Demand Instance quotas" and "Spot Instance quotas" of the EC2 user guide, with the codes that public lists of
 * `aws service-quotas list-service-quotas --service-code ec2` agree on.
 */
const STANDARD: Codes = { onDemand: 'L-1216C47A', spot: 'L-34B43A08' };
const G_AND_VT: Codes = { onDemand: 'L-DB2E81BA', spot: 'L-3819A6DF' };
const HIGH_MEMORY: Codes = { onDemand: 'L-43DA4232', spot: undefined };
const HPC: Codes = { onDemand: 'L-F7808C92', spot: undefined };
const P_ON_DEMAND = 'L-417A185B';

/** By the letters that an instance type begins with: one letter more is another family. */
const BY_FAMILY: ReadonlyMap<string, Codes> = new Map(
  Object.entries({
    ...Object.fromEntries(['a', 'c', 'd', 'h', 'i', 'im', 'is', 'm', 'r', 't', 'z'].map((one) => [one, STANDARD])),
    g: G_AND_VT,
    gr: G_AND_VT,
    vt: G_AND_VT,
    inf: { onDemand: 'L-1945791B', spot: 'L-B5D1601B' },
    trn: { onDemand: 'L-2C3B7624', spot: 'L-6B0D517C' },
    f: { onDemand: 'L-74FC7D96', spot: 'L-88CF9481' },
    x: { onDemand: 'L-7295265B', spot: 'L-E3A00192' },
    dl: { onDemand: 'L-6E869C2A', spot: 'L-85EED4F7' },
    u: HIGH_MEMORY,
    hpc: HPC,
  }),
);

/** Spot has one quota for P2 to P4, and one for P5. */
const P_SPOT: Readonly<Record<string, string>> = {
  '2': 'L-7212CCBC',
  '3': 'L-7212CCBC',
  '4': 'L-7212CCBC',
  '5': 'L-C4BD4855',
};

/** The quota that instances of this type count towards; undefined for none that is known. Pure. */
export function quotaCodeOf({ type, market }: Pick<RunningSeen, 'type' | 'market'>): string | undefined {
  const [, letters = '', generation = ''] = /^([a-z]+)(\d*)/.exec(type) ?? [];
  if (letters === 'p') return market === 'spot' ? P_SPOT[generation] : P_ON_DEMAND;
  const codes = BY_FAMILY.get(letters);
  return market === 'spot' ? codes?.spot : codes?.onDemand;
}

/** The vCPUs that run in the region, by quota. */
export type InUse = ReadonlyMap<string, number>;

export function inUse(running: readonly RunningSeen[]): InUse {
  const used = new Map<string, number>();
  for (const { code, vCpus } of running.flatMap(withCode)) used.set(code, (used.get(code) ?? 0) + vCpus);
  return used;
}

/** What a fleet launches beside what runs, of one quota. */
export interface Need {
  readonly code: string;
  readonly instances: number;
  readonly vCpus: number;
}

/**
 * What a group needs while it is rolled: a batch. Also where one goes first, for an instance that drains runs until it is
 * empty, and its replacement is launched meanwhile. By the largest that the group has: which types come is chosen by
 * Auto Scaling.
 * @param own the group's own, of those that run.
 */
export function needsOfGroup(own: readonly RunningSeen[], policy: FleetPolicy, desired: number): Need[] {
  const most = atOnce(policy, desired);
  return byCode(own).map(([code, sizes]) => {
    const instances = Math.min(most, sizes.length);
    return { code, instances, vCpus: instances * Math.max(...sizes) };
  });
}

/** What a Spot Fleet needs: all of it once more, for its copy is at work before the first of its instances goes. */
export function needsOfCopy(own: readonly RunningSeen[]): Need[] {
  return byCode(own).map(([code, sizes]) => ({
    code,
    instances: sizes.length,
    vCpus: sizes.reduce((sum, one) => sum + one, 0),
  }));
}

/** The tightest of what is needed; undefined where none of the quotas is known. Pure. */
export function tightest(
  needs: readonly Need[],
  used: InUse,
  quotas: ReadonlyMap<string, QuotaSeen>,
): QuotaFacts | undefined {
  const all = needs.flatMap(({ code, instances, vCpus }): QuotaFacts[] => {
    const quota = quotas.get(code);
    if (quota === undefined) return [];
    const leftVCpus = quota.vCpus - (used.get(code) ?? 0);
    return [{ name: quota.name, instances, neededVCpus: vCpus, leftVCpus }];
  });
  const spare = ({ leftVCpus, neededVCpus }: QuotaFacts) => leftVCpus - neededVCpus;
  return all.sort((a, b) => spare(a) - spare(b))[0];
}

function byCode(own: readonly RunningSeen[]): [code: string, vCpus: number[]][] {
  const sizes = new Map<string, number[]>();
  for (const { code, vCpus } of own.flatMap(withCode)) {
    const known = sizes.get(code);
    if (known) known.push(vCpus);
    else sizes.set(code, [vCpus]);
  }
  return [...sizes];
}

function withCode(one: RunningSeen): { readonly code: string; readonly vCpus: number }[] {
  const code = quotaCodeOf(one);
  return code === undefined ? [] : [{ code, vCpus: one.vCpus }];
}
