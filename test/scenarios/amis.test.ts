import { beforeAll, describe, expect, it } from 'vitest';
import type { Region } from '../../sim/region.ts';
import type { AnnouncementReport } from '../../sim/report.ts';
import type { Bundles, RunOptions } from '../../sim/run.ts';
import { loadBundles, readScenario, run } from '../../sim/run.ts';
import type { Scenario } from '../../sim/scenario.ts';
import { parseScenario } from '../../sim/scenario.ts';

/** What ami-watch, as it is deployed, makes of what AWS recommends in the embedded AWS. */

let bundles: Bundles;
beforeAll(async () => {
  bundles = await loadBundles();
});

const announced = readScenario('ami-announced');
const QUIET: Scenario = { ...announced, faults: { ...announced.faults, duplicate: 0, reorder: 0 } };
const BOTH = ['al2023/x86_64', 'bottlerocket-2/x86_64'];
const SEEN = '/ecs-drain/amis/seen';

const play = (scenario: Scenario, seed = 1, options: Partial<RunOptions> = {}) =>
  run(scenario, seed, { bundles, engine: 'store', ...options });
const families = (announcements: readonly AnnouncementReport[] = []): string[] =>
  announcements.map(({ family }) => family);

describe('ami-announced', () => {
  it('announces each release once, within the hour, and nothing that was there before', async () => {
    const { report } = await play(QUIET);
    expect(families(report.announcements)).toEqual(BOTH);
    const [first, second] = report.announcements ?? [];
    expect(first?.atSeconds).toBeGreaterThan(600);
    expect(first?.atSeconds).toBeLessThan(600 + 3_700);
    expect(second?.atSeconds).toBeLessThan(9_000 + 3_700);
  });

  it('remembers what it announced: it writes after the first look and after each release, and no more', async () => {
    const { report, region } = await play(QUIET);
    expect(report.calls['ssm:PutParameter']).toBe(3);
    for (const { version } of report.announcements ?? []) expect(region.ssm.get(SEEN)).toContain(version);
  });

  it.each([1, 2, 3, 4, 5])('loses none of them whatever comes twice, late or not at all (seed %d)', async (seed) => {
    const faults = {
      ...announced.faults,
      throttle: 0.05,
      serverError: 0.02,
      timeoutAfterEffect: 0.02,
      lambdaCrash: 0.05,
    };
    const { report } = await play({ ...announced, faults }, seed);
    expect(new Set(families(report.announcements))).toEqual(new Set(BOTH));
  });
});

describe('a family that is not configured', () => {
  const BOTTLEROCKET = 'bottlerocket-2/x86_64';
  const on = (image: string, tags: Readonly<Record<string, string>>, faults = QUIET.faults): Scenario => ({
    ...QUIET,
    faults,
    settings: { AMI_FAMILIES: 'al2023' },
    clusters: QUIET.clusters.map((cluster) => ({ ...cluster, image, tags }) as Scenario['clusters'][number]),
  });

  it('is announced where a fleet that opted in runs it, and only there', async () => {
    for (const [image, tags, expected] of [
      [BOTTLEROCKET, { 'ecs-drain:ami': 'notify' }, BOTH],
      [BOTTLEROCKET, {}, ['al2023/x86_64']],
      ['al2023/x86_64', { 'ecs-drain:ami': 'notify' }, ['al2023/x86_64']],
    ] as const) {
      const { report } = await play(on(image, tags));
      expect(families(report.announcements), `${image} ${JSON.stringify(tags)}`).toEqual(expected);
      expect(report.violations).toEqual([]);
    }
  });

  it('is announced where a Spot Fleet runs it', async () => {
    const spotFleets = [
      { name: 'batch', cluster: 'web', instances: 1, image: BOTTLEROCKET, tags: { 'ecs-drain:ami': 'auto' } },
    ];
    const scenario = parseScenario(JSON.stringify({ ...on('al2023/x86_64', {}), spotFleets }), 'test');
    const { report } = await play(scenario);
    expect(families(report.announcements)).toEqual(BOTH);
  });

  it.each([1, 2, 3, 4, 5])('is announced whichever calls fail (seed %d)', async (seed) => {
    const faults = { ...announced.faults, throttle: 0.05, serverError: 0.02, lambdaCrash: 0.05 };
    const { report } = await play(on(BOTTLEROCKET, { 'ecs-drain:ami': 'notify' }, faults), seed);
    expect(new Set(families(report.announcements))).toEqual(new Set(BOTH));
  });
});

describe('a look that dies', () => {
  /** Ends the sandbox at the call of that name after the first of the release's. */
  const killing = (operation: 'Publish' | 'PutParameter', fault: 'kill-before' | 'kill-after'): Partial<RunOptions> => {
    // The first look writes as well; it has nothing to publish.
    let toSkip = operation === 'PutParameter' ? 1 : 0;
    let done = false;
    return {
      beforeCall(call) {
        const isOurs = call.operation === operation && !JSON.stringify(call.input).includes('ecs-drain-alerts');
        if (!isOurs || done) return undefined;
        if (toSkip > 0) {
          toSkip--;
          return undefined;
        }
        done = true;
        return fault;
      },
    };
  };

  it.each([
    ['before it announces', 'Publish', 'kill-before', 1],
    ['when it has announced', 'Publish', 'kill-after', 2],
    ['before it remembers', 'PutParameter', 'kill-before', 2],
    ['when it has remembered', 'PutParameter', 'kill-after', 1],
  ] as const)('%s loses no release: it is announced, at worst twice', async (_, operation, fault, times) => {
    const { report } = await play(QUIET, 1, killing(operation, fault));
    const [first, second] = BOTH;
    expect(families(report.announcements)).toEqual([...Array(times).fill(first), second]);
  });
});

describe('the parameter with what was seen', () => {
  it('that is garbled makes people hear of it, announces nothing, and holds again from then on', async () => {
    const watch = (region: Region): void => region.ssm.set(SEEN, 'garbled');
    const { report } = await play(QUIET, 1, { watch });
    expect(families(report.announcements)).toEqual(BOTH);
    const [warning, ...others] = report.alerts.filter(({ kind }) => kind === 'amis');
    expect(others).toEqual([]);
    expect(warning).toMatchObject({ severity: 'warning', because: expect.stringContaining('could not be read') });
    expect(warning?.atSeconds).toBeLessThan(120);
  });
});

describe('an announcement', () => {
  it('reaches the roll-out as one execution for each release, however often it is delivered', async () => {
    // Prepare
    const name = 'ecs-drain-ami-update';
    const requests: unknown[] = [];
    const watch = ({ lambda }: Region): void =>
      lambda.register({
        name,
        alias: 'durable',
        durable: true,
        timeoutSeconds: 30,
        memoryMb: 512,
        handler: async () => undefined,
        core: async (event: unknown) => void requests.push(event),
      });
    const settings = { AMI_UPDATE_FUNCTION_ARN: `arn:aws:lambda:eu-west-1:123456789012:function:${name}:durable` };

    // Act
    const { region } = await play({ ...announced, settings, faults: { ...announced.faults, duplicate: 0.9 } }, 2, {
      watch,
    });

    // Assess
    const names = region.lambda.executions().filter(({ functionName }) => functionName === name);
    expect(names.map((execution) => execution.name)).toEqual([
      expect.stringMatching(/^al2023-x86-6-[0-9a-f]{8}-2023-0-20260101$/),
      expect.stringMatching(/^bottlerocket-[0-9a-f]{8}-1-51-0-3c1b2a03$/),
    ]);
    expect(requests).toMatchObject([
      { kind: 'release', source: 'al2023/x86_64', version: '2023.0.20260101' },
      { kind: 'release', source: 'bottlerocket-2/x86_64', version: '1.51.0-3c1b2a03' },
    ]);
  });
});
