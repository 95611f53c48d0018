import { beforeAll, describe, expect, it } from 'vitest';
import { renderFrame, renderNews, renderRollouts, rolloutsDocument } from '../../cli/rollout-status-view.ts';
import type { Bundles } from '../../sim/run.ts';
import { loadBundles, readScenario } from '../../sim/run.ts';
import type { Scenario } from '../../sim/scenario.ts';
import { shotsAt } from './rollout-moments.ts';

/** What `rollout status` shows of real rollouts in the embedded AWS, from the first look to the end. */

const golden = (name: string): string => new URL(`golden/${name}`, import.meta.url).pathname;
const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));
const WEEK_SECONDS = 7 * 86_400;

let bundles: Bundles;
beforeAll(async () => {
  bundles = await loadBundles();
});

const textOf = (lines: readonly { readonly text: string }[]): string => lines.map(({ text }) => text).join('\n');

/** The same scenario, with further tags on its group. */
function tagged(name: string, tags: Readonly<Record<string, string>>): Scenario {
  const scenario = readScenario(name);
  const clusters = scenario.clusters.map((cluster) => ({ ...cluster, tags: { ...cluster.tags, ...tags } }));
  return { ...scenario, clusters };
}

/** Two fleets of the first wave, and a third that waits for an approval. */
function threeFleets(changes: (scenario: Scenario) => Partial<Scenario>): Scenario {
  const scenario = readScenario('rollout-waves');
  const clusters = scenario.clusters.map((cluster) => {
    const asked = { 'ecs-drain:ami': 'approve', 'ecs-drain:wave': '2' };
    return { ...cluster, tags: cluster.name === 'prod' ? asked : { 'ecs-drain:ami': 'auto' } };
  });
  return { ...scenario, clusters, ...changes(scenario) };
}

type Moments = Readonly<Record<string, number>>;

const CASES: readonly [what: string, scenario: () => Scenario, file: string, moments: Moments][] = [
  [
    'a fleet that is rolled by itself',
    () => tagged('rollout-auto', { 'ecs-drain:bake': '10m' }),
    'auto',
    {
      'before any release': 600,
      'just begun': 3_640,
      'one instance first': 3_720,
      'at its checkpoint': 3_900,
      'the others': 4_440,
      baking: 4_900,
      'it has succeeded': 6_000,
    },
  ],
  [
    'a fleet that waits for an approval',
    () => readScenario('rollout-approved'),
    'approved',
    { 'it waits for somebody': 5_000, 'somebody has approved it': 9_001, 'its fleet is under way': 9_200 },
  ],
  [
    'a release that was just announced, to fleets that wait for its age, for somebody, and that are only told',
    () => {
      const [dev, stage, prod] = readScenario('rollout-waves').clusters;
      const tags = (mode: string, more = {}) => ({ 'ecs-drain:ami': mode, ...more });
      const clusters = [
        {
          ...dev,
          tags: tags('auto', { 'ecs-drain:minimum-age': '3d', 'ecs-drain:window': 'Tue-Thu 02:00-05:00 UTC' }),
        },
        { ...stage, tags: tags('notify') },
        { ...prod, tags: tags('approve', { 'ecs-drain:wave': '2' }) },
      ] as Scenario['clusters'];
      return { ...readScenario('rollout-waves'), clusters };
    },
    'announced',
    { 'it was announced': 3_700 },
  ],
  ['a fleet that waits for its window', () => readScenario('rollout-window'), 'window', { 'it waits': 5_000 }],
  [
    'an image whose agent never joins',
    () => readScenario('rollout-bad-image'),
    'rolled-back',
    { 'it is taken back': 4_090, 'it was rolled back': 9_000 },
  ],
  [
    'a fleet that somebody paused',
    () => readScenario('rollout-paused'),
    'paused',
    { 'somebody has just said pause': 4_201, 'it is paused': 6_000 },
  ],
  [
    'a Spot Fleet',
    () => readScenario('rollout-spot-fleet'),
    'spot-fleet',
    { 'a copy is launched': 3_700, 'its instances are drained': 3_960, 'it has succeeded': 6_000 },
  ],
  [
    'three waves, of which the first goes wrong',
    () => readScenario('rollout-waves-stopped'),
    'waves',
    { 'the first is under way': 3_780, 'it was stopped there': 5_000 },
  ],
  [
    'a Spot Fleet whose new capacity never comes',
    () => readScenario('rollout-spot-no-capacity'),
    'spot-no-capacity',
    { 'it waits for capacity': 5_000, 'it was taken back': 8_000 },
  ],
  [
    'a release that a newer one takes the place of',
    () => readScenario('rollout-superseded'),
    'superseded',
    { 'it waits': 5_000, 'it has ended, and no newer one has begun': 10_000, 'the newer one waits': 12_000 },
  ],
  [
    "a group with somebody else's refresh",
    () => readScenario('rollout-refresh-running'),
    'refresh-running',
    { 'it waits for that': 3_700 },
  ],
  [
    'a fleet that is blocked, beside one that runs and one that waits for an approval',
    () => threeFleets(({ hooks }) => ({ hooks: hooks.filter(({ group }) => group !== 'dev-asg') })),
    'blocked-beside',
    { 'one runs, one is blocked': 3_780, 'it was stopped there': 9_000 },
  ],
  [
    'a rollout that is cancelled while a fleet is in the middle',
    () =>
      threeFleets(({ events }) => ({
        events: [...events, { atSeconds: 4_200, say: { source: 'al2023/x86_64', word: 'cancel' } }],
      })),
    'cancelled',
    { 'somebody has just said cancel': 4_201, 'they are taken back': 4_260, 'it has ended': 9_000 },
  ],
];

describe('rollout status', () => {
  it.each(CASES)('shows %s, at each stage', async (_what, scenario, file, moments) => {
    const shots = await shotsAt(bundles, scenario(), Object.values(moments));

    const texts = shots.map((shot) => textOf(renderRollouts(shot, WEEK_SECONDS)));
    const told = Object.keys(moments).map((what, i) => `# ${what}\n${texts[i]}\n`);
    const documents = Object.fromEntries(
      Object.keys(moments).map((what, i) => [what, rolloutsDocument(shots[i] ?? [])]),
    );
    await expect(told.join('\n')).toMatchFileSnapshot(golden(`rollout-status-${file}.txt`));
    await expect(`${JSON.stringify(documents, null, 2)}\n`).toMatchFileSnapshot(
      golden(`rollout-status-${file}-json.txt`),
    );
    expect(widest(told.join('\n'))).toBeLessThanOrEqual(80);
  });
});

describe('rollout status --watch', () => {
  it('tells a pipe each thing once, to the end', async () => {
    const everyMinute = Array.from({ length: 34 }, (_, i) => 3_600 + i * 60);
    const shots = await shotsAt(bundles, tagged('rollout-auto', { 'ecs-drain:bake': '10m' }), everyMinute);

    const news = shots.map((shot, i) => textOf(renderNews(shot, shots[i - 1]))).filter((text) => text !== '');
    await expect(`${news.join('\n')}\n`).toMatchFileSnapshot(golden('rollout-watch.txt'));
    expect(widest(news.join('\n'))).toBeLessThanOrEqual(80);
    const sentences = news.map((text) => text.replaceAll(/^\S+Z /gm, ''));
    expect(new Set(sentences).size).toBe(sentences.length);
  });

  it('shows a terminal all of what is under way', async () => {
    const [shot] = await shotsAt(bundles, readScenario('rollout-auto'), [4_440]);
    const frame = textOf(renderFrame(shot ?? []));

    await expect(`${frame}\n`).toMatchFileSnapshot(golden('rollout-watch-frame.txt'));
    expect(widest(frame)).toBeLessThanOrEqual(80);
  });
});
