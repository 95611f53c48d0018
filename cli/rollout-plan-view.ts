import type { PlannedWork, RegionPlans, SourcePlan } from '../src/operator/rollout-plan.ts';
import { poolWords } from '../src/rollout/announce.ts';
import type { Target } from '../src/rollout/fleet.ts';
import { contentsOf } from '../src/rollout/fleet.ts';
import type { LeftAlone } from '../src/rollout/plan.ts';
import type { Line } from './lines.ts';
import { plain } from './lines.ts';
import type { Answer } from './operate.ts';
import { moment, waitWords } from './rollout-words.ts';
import { renderProblems } from './status-view.ts';
import { count, wrap } from './text.ts';
import { span } from './time.ts';

/** One region's plans, and what they rest on. */
export interface PlanShown extends RegionPlans {
  readonly atMs: number;
  readonly missing: readonly string[];
  readonly notes: readonly string[];
}

/** What rollouts would do, as lines of 80 columns. Pure. */
export function renderPlans(answer: Answer<PlanShown>): Line[] {
  if (!answer.ok) return renderProblems([answer]);
  const { region, value } = answer;
  const { plans, apart, missing, notes, atMs } = value;
  const nothing = plans.length === 0 && apart.length === 0;
  return [
    ...plans.flatMap((plan) => renderSource(region, plan, atMs)),
    ...(nothing ? plain(wrap(`${region}: no fleet has opted in (tag ecs-drain:ami)`, '  ')) : []),
    ...(apart.length === 0 ? [] : [strong(region, 'fleets of no plan'), ...apart.flatMap(renderLeftAlone)]),
    ...missing.flatMap((id) => plain(wrap(`${region}: no fleet ${id} has opted in here`, '  '), 'warn')),
    ...notes.flatMap((note) => plain(wrap(`${region}: ${note}`, '  '), 'warn')),
  ];
}

function strong(region: string, what: string): Line {
  return { text: wrap(`${region}: ${what}`, '  ').join('\n'), tone: 'strong' };
}

function renderSource(region: string, plan: SourcePlan, atMs: number): Line[] {
  if (!('target' in plan)) {
    return [strong(region, plan.source), ...plain(wrap(`  names no image: ${plan.because}`, '    '), 'bad')];
  }
  const { target, fleets, leftAlone } = plan;
  const waves = [...new Set(fleets.map(({ policy }) => policy.wave))];
  return [
    strong(region, plan.source),
    ...plain(wrap(`  ${described(target, atMs)}`, '  ')),
    ...(fleets.length === 0 ? [{ text: '  nothing to roll out' }] : []),
    ...waves.flatMap((wave, i) => [
      { text: `  wave ${wave}${i === 0 ? '' : ', when those before are done'}` },
      ...fleets.filter(({ policy }) => policy.wave === wave).flatMap(renderFleet),
    ]),
    ...(leftAlone.length === 0 ? [] : [{ text: '  left alone' }, ...leftAlone.flatMap(renderLeftAlone)]),
  ];
}

function described(target: Target, atMs: number): string {
  const { version, imageId, releasedAtMs } = target;
  const age = span(atMs - releasedAtMs);
  const image = version === imageId ? imageId : `${version} (${imageId})`;
  return [`${image}, named since ${moment(releasedAtMs)} (${age})`, ...contentsOf(target)].join(', ');
}

function renderFleet({
  id,
  policy,
  waits,
  instances,
  warm,
  expectedMinutes,
  from,
  how,
  blockers,
}: PlannedWork): Line[] {
  // Its wave is in the line above.
  const own = { ...waits, waitsFor: waits.waitsFor.filter((one) => one !== 'wave') };
  const begins = own.waitsFor.length === 0 && waits.waitsFor.length > 0 ? 'in its turn' : waitWords(own);
  const by = how === 'write' ? 'by a new version of its launch template' : 'by what its own launch template says';
  return [
    ...plain(wrap(`    ${id}, ${policy.mode}: ${begins}`, '      ')),
    ...plain(
      wrap(
        `      ${count(instances, 'instance')}${poolWords(warm)} in about ${span(expectedMinutes * 60_000)}, ${by}`,
        '        ',
      ),
    ),
    ...plain(wrap(`      from ${from.join(', ') || 'older images'}`, '        ')),
    ...blockers.flatMap(({ because, passes }) =>
      plain(wrap(`      ${passes ? 'waits' : 'BLOCKED'}: ${because}`, '        '), passes ? 'warn' : 'bad'),
    ),
  ];
}

function renderLeftAlone({ id, because, isNews }: LeftAlone): Line[] {
  return plain(wrap(`    ${id}: ${because}`, '      '), isNews ? 'warn' : 'quiet');
}

/** The same as one document's part; times are ISO 8601. */
export function planDocument(answer: Answer<PlanShown>): object {
  if (!answer.ok) return { region: answer.region, ok: false, problem: answer.problem };
  const { plans, apart, missing, notes, atMs } = answer.value;
  const iso = (ms: number): string => new Date(ms).toISOString();
  return {
    region: answer.region,
    ok: true,
    // AWS tells its time in whole seconds.
    at: iso(Math.floor(atMs / 1000) * 1000),
    plans: plans.map((plan) => {
      if (!('target' in plan)) return plan;
      const { releasedAtMs, ...target } = plan.target;
      return {
        source: plan.source,
        target: { ...target, released: iso(releasedAtMs) },
        fleets: plan.fleets.map(({ waits: { startsAtMs, ...waits }, ...fleet }) => ({
          ...fleet,
          waits: { ...waits, ...(startsAtMs === undefined ? {} : { starts: iso(startsAtMs) }) },
        })),
        leftAlone: plan.leftAlone,
      };
    }),
    apart,
    missing,
    notes,
  };
}

/** 1 where a region did not answer, or a source names no image that could be rolled out. */
export function exitCodeOfPlans(answers: readonly Answer<PlanShown>[]): number {
  return answers.every((answer) => answer.ok && answer.value.plans.every((plan) => 'target' in plan)) ? 0 : 1;
}
