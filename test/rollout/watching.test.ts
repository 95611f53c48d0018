import { describe, expect, it } from 'vitest';
import type { Failure, Result } from '../../src/ports.ts';
import type { Family } from '../../src/rollout/family.ts';
import { FAMILIES, familyById } from '../../src/rollout/family.ts';
import { readReleases } from '../../src/rollout/notice.ts';
import type { FleetInstance, GroupSeen, ImageSeen, ParameterSeen, SpotFleetSeen } from '../../src/rollout/ports.ts';
import { readSeen } from '../../src/rollout/seen.ts';
import type { WatchPorts } from '../../src/rollout/watching.ts';
import { watchAmis } from '../../src/rollout/watching.ts';
import { aRecommendation, aVersion, imageName } from '../support/amis.ts';
import { ACCOUNT, aFailure } from '../support/build.ts';

const SEEN = '/ecs-drain/amis/seen';
const NOW = Date.parse('2026-11-22T12:00:00Z');
const family = (id: string): Family => familyById(id) ?? expect.fail(`no family ${id}`);
const [AL2023, ARM, AL2] = [family('al2023/x86_64'), family('al2023/arm64'), family('al2/x86_64')];
const FAILED = aFailure('other', 'sns:Publish');

class Crash extends Error {}

/** An image that AWS has made of the family, one for each. */
const anImage = (of: Family): ImageSeen => ({
  id: `ami-${of.id}`,
  name: imageName(of),
  byAmazon: true,
  architecture: of.architecture,
  available: true,
  createdAtMs: 0,
});
const runs = (of: Family): FleetInstance => ({
  id: `i-${of.id}`,
  imageId: anImage(of).id,
  state: 'InService',
  protectedFromScaleIn: false,
});

/** A region's parameters, topics and fleets that opted in. What is in `broken` fails; `crashAt` ends the process at that effect. */
function aRegion(families: readonly Family[] = [AL2023, ARM]) {
  const store = new Map<string, ParameterSeen>();
  const effects: string[] = [];
  const published: { topic: string; subject: string; body: string; attributes: Readonly<Record<string, string>> }[] =
    [];
  const alerted: Readonly<Record<string, string>>[] = [];
  const broken = new Set<string>();
  /** What fleets run, by their names: a group's, and a Spot Fleet's. */
  const groups = new Map<string, readonly Family[]>();
  const spotFleets = new Map<string, readonly Family[]>();
  let configured = families;
  let crashAt: number | undefined;

  const effect = (name: string, done: () => void): Result<undefined> => {
    if (effects.length === crashAt) throw new Crash();
    effects.push(name);
    if (broken.has(name)) return FAILED;
    done();
    return { ok: true, value: undefined };
  };
  const ports: WatchPorts = {
    parameters: {
      readParameters: async (names): Promise<Result<readonly ParameterSeen[]>> =>
        broken.has('read') ? FAILED : { ok: true, value: names.flatMap((name) => store.get(name) ?? []) },
      writeParameter: async (name, value) =>
        effect('remember', () => store.set(name, { name, value, changedAtMs: NOW })),
    },
    releases: {
      publish: async (message) =>
        effect(`announce ${message.attributes['family']}`, () => published.push({ topic: 'releases', ...message })),
    },
    alerts: {
      publish: async ({ subject, bodies, attributes }) =>
        effect('warn', () => {
          alerted.push(bodies);
          published.push({ topic: 'alerts', subject, body: bodies['email'] ?? '', attributes });
        }),
    },
    groups: {
      taggedGroups: async (key) =>
        broken.has(key)
          ? FAILED
          : {
              ok: true,
              value: [...groups.values()].map((run) => ({ instances: run.map(runs) }) as unknown as GroupSeen),
            },
    },
    spotFleets: {
      taggedFleets: async () => ({
        ok: true,
        value: [...spotFleets.keys()].map((id) => ({ id, state: 'active' }) as SpotFleetSeen),
      }),
      fleetInstances: async (id) => ({ ok: true, value: (spotFleets.get(id) ?? []).map(runs) }),
    },
    images: {
      describeImages: async (ids) => ({ ok: true, value: FAMILIES.map(anImage).filter(({ id }) => ids.includes(id)) }),
    },
    now: () => NOW,
  };
  const recommend = (of: Family, version: string = aVersion(of), imageId = 'ami-0281c9a5cd9de63bd') => {
    for (const parameter of aRecommendation(of, { version, imageId, changedAtMs: NOW }))
      store.set(parameter.name, parameter);
  };
  for (const of of families) recommend(of);
  return {
    broken,
    effects,
    published,
    alerted,
    groups,
    spotFleets,
    recommend,
    configure: (others: readonly Family[]) => {
      configured = others;
    },
    remove: (of: Family) => {
      for (const { name } of aRecommendation(of)) store.delete(name);
    },
    remembers: (text: string) => store.set(SEEN, { name: SEEN, value: text, changedAtMs: NOW }),
    remembered: () => readSeen(store.get(SEEN)?.value),
    text: () => store.get(SEEN)?.value,
    /** Looks once; what it did, in order. */
    async look(crash?: number): Promise<readonly string[]> {
      effects.length = 0;
      crashAt = crash;
      const orders = { families: configured, region: 'eu-west-1', accountId: ACCOUNT, seenParameter: SEEN };
      await watchAmis(orders, ports, () => {});
      return [...effects];
    },
  };
}

/** One that has looked before. */
async function watched(families?: readonly Family[]) {
  const region = aRegion(families);
  await region.look();
  region.published.length = 0;
  return region;
}

describe('watching', () => {
  it('announces nothing old when it looks for the first time, and remembers what there is', async () => {
    const region = aRegion();
    expect(await region.look()).toEqual(['remember']);
    expect(region.remembered()).toMatchObject({
      kind: 'seen',
      seen: { 'al2023/x86_64': { version: aVersion(AL2023) } },
    });
  });

  it('does nothing, not even write, while nothing is new', async () => {
    const region = await watched();
    expect(await region.look()).toEqual([]);
  });

  it('announces each new release once, and remembers afterwards', async () => {
    const region = await watched();
    region.recommend(AL2023, '2023.0.20261201');
    region.recommend(ARM, '2023.0.20261201');
    expect(await region.look()).toEqual(['announce al2023/x86_64', 'announce al2023/arm64', 'remember']);
    expect(await region.look()).toEqual([]);
  });

  it('announces in the documented message, which reads back as a hint at the release', async () => {
    const region = await watched();
    region.recommend(AL2023, '2023.0.20261201', 'ami-0bbbbbbbbbbbbbbbb');
    await region.look();
    expect(region.published).toEqual([
      {
        topic: 'releases',
        subject: '[ecs-drain] New ECS-optimized AMI: al2023/x86_64 2023.0.20261201',
        body: expect.any(String),
        attributes: { family: 'al2023/x86_64', os: 'amazon-linux-2023', version: '2023.0.20261201' },
      },
    ]);
    expect(JSON.parse(region.published[0]?.body ?? '')).toEqual({
      ECSAgent: { ReleaseVersion: '1.108.3' },
      ECSAmis: [
        {
          ReleaseVersion: '2023.0.20261201',
          AgentVersion: '1.108.3',
          ReleaseNotes:
            'ECS agent 1.108.3. Docker version 25.0.18. https://github.com/aws/amazon-ecs-ami/releases/tag/20261201',
          OsType: 'linux',
          OperatingSystemName: 'Amazon Linux 2023',
          Regions: {
            'eu-west-1': {
              Name: 'al2023-ami-ecs-hvm-2023.0.20261201-kernel-6.1-x86_64',
              ImageId: 'ami-0bbbbbbbbbbbbbbbb',
            },
          },
        },
      ],
    });
    expect(readReleases({ body: region.published[0]?.body, topicArn: undefined }, 'eu-west-1')).toEqual([
      {
        kind: 'hint',
        family: 'al2023/x86_64',
        version: '2023.0.20261201',
        imageId: 'ami-0bbbbbbbbbbbbbbbb',
        source: 'ecs',
      },
    ]);
  });

  it.each(FAMILIES.map((of) => [of.id, of] as const))(
    'announces %s so that it reads back, in words that SNS takes',
    async (id, of) => {
      const region = await watched([of]);
      const version = aVersion(of).replace(/\d(?=-|$)/, (digit) => (digit === '9' ? '8' : '9'));
      region.recommend(of, version, 'ami-0bbbbbbbbbbbbbbbb');
      await region.look();
      const [announced] = region.published.filter(({ topic }) => topic === 'releases');
      expect(readReleases({ body: announced?.body, topicArn: undefined }, 'eu-west-1')).toEqual([
        { kind: 'hint', family: id, version, imageId: 'ami-0bbbbbbbbbbbbbbbb', source: 'ecs' },
      ]);
      expect(announced?.subject).toMatch(/^[\x20-\x7e]{1,99}$/);
      expect(Object.values(announced?.attributes ?? {}).filter((value) => value === '')).toEqual([]);
    },
  );
});

describe('a look that ends in the middle', () => {
  const release = async () => {
    const region = await watched();
    region.recommend(AL2023, '2023.0.20261201');
    region.recommend(ARM, '2023.0.20261201');
    return region;
  };

  it.each([0, 1, 2])('before effect %d loses no release: the next look announces it, at worst again', async (at) => {
    const region = await release();
    await expect(region.look(at)).rejects.toThrow(Crash);
    await region.look();
    const heard = region.published.map(({ attributes }) => attributes['family']);
    expect(new Set(heard)).toEqual(new Set(['al2023/x86_64', 'al2023/arm64']));
    expect(heard.length).toBe(2 + at);
    expect(await region.look()).toEqual([]);
  });

  it('because one release could not be announced announces the others, and that one the next time', async () => {
    const region = await release();
    region.broken.add('announce al2023/x86_64');
    await expect(region.look()).rejects.toThrow('the look at the AMIs failed: sns:Publish other');
    expect(region.effects).toEqual(['announce al2023/x86_64', 'announce al2023/arm64', 'remember']);
    region.broken.clear();
    expect(await region.look()).toEqual(['announce al2023/x86_64', 'remember']);
  });

  it('because it could not remember announces again', async () => {
    const region = await release();
    region.broken.add('remember');
    await expect(region.look()).rejects.toBeInstanceOf(AggregateError);
    region.broken.clear();
    expect(await region.look()).toEqual(['announce al2023/x86_64', 'announce al2023/arm64', 'remember']);
  });

  it('because nothing could be read does nothing, and says so', async () => {
    const region = await release();
    region.broken.add('read');
    await expect(region.look()).rejects.toThrow('the look at the AMIs failed');
    expect(region.effects).toEqual([]);
  });
});

describe('a family that is in use', () => {
  const WINDOWS = family('windows-2022-core/x86_64');
  const inUse = async () => {
    const region = await watched();
    region.recommend(AL2);
    region.groups.set('old-asg', [AL2]);
    return region;
  };

  it('though nobody asked for it, is remembered when it is seen first, with what there is to say, and announced from then on', async () => {
    const region = await inUse();
    expect(await region.look()).toEqual(['warn', 'remember']);
    expect(region.published).toMatchObject([{ body: expect.stringContaining('reached the end of its life') }]);
    expect(await region.look()).toEqual([]);
    region.recommend(AL2, '2.0.20261201');
    expect(await region.look()).toEqual(['announce al2/x86_64', 'remember']);
    expect(await region.look()).toEqual([]);
  });

  it('is found in Spot Fleets as well', async () => {
    const region = await watched();
    region.recommend(WINDOWS);
    region.spotFleets.set('sfr-1', [WINDOWS]);
    await region.look();
    region.recommend(WINDOWS, '2026.12.09');
    expect(await region.look()).toEqual([`announce ${WINDOWS.id}`, 'remember']);
  });

  it('is forgotten when no fleet runs it any more, and is new when one does again', async () => {
    const region = await inUse();
    await region.look();
    region.groups.set('old-asg', [AL2023]);
    expect(await region.look()).toEqual(['remember']);
    expect(region.remembered()).not.toHaveProperty(['seen', AL2.id]);
    region.recommend(AL2, '2.0.20261201');
    region.groups.set('old-asg', [AL2]);
    expect(await region.look()).toEqual(['warn', 'remember']);
  });

  it('that people have configured before stays watched where they do not any more', async () => {
    const region = await watched([AL2023, AL2]);
    region.groups.set('old-asg', [AL2]);
    region.configure([AL2023]);
    expect(await region.look()).toEqual([]);
    region.recommend(AL2, '2.0.20261201');
    expect(await region.look()).toEqual(['announce al2/x86_64', 'remember']);
  });

  it('stays watched while its fleet has no instances', async () => {
    const region = await inUse();
    await region.look();
    region.groups.set('old-asg', []);
    region.recommend(AL2, '2.0.20261201');
    expect(await region.look()).toEqual(['announce al2/x86_64', 'remember']);
  });

  it('is announced also while nobody can say what is in use, like all others; the look fails at its end', async () => {
    const region = await inUse();
    await region.look();
    region.broken.add('ecs-drain:ami');
    for (const day of ['01', '08']) {
      region.recommend(AL2, `2.0.202612${day}`);
      region.recommend(AL2023, `2023.0.202612${day}`);
      await expect(region.look()).rejects.toThrow('the look at the AMIs failed: sns:Publish other');
      expect(region.effects).toEqual(['announce al2023/x86_64', 'announce al2/x86_64', 'remember']);
    }
    region.broken.clear();
    expect(await region.look()).toEqual([]);
  });

  it('is one of the errors where other things fail too', async () => {
    const region = await inUse();
    region.recommend(AL2023, '2023.0.20261201');
    for (const what of ['announce al2023/x86_64', 'ecs-drain:ami']) region.broken.add(what);
    await expect(region.look()).rejects.toMatchObject({ errors: { length: 2 } });
  });
});

describe('what people hear besides releases', () => {
  it('is one message for all of it, once', async () => {
    const region = await watched([AL2023, ARM]);
    region.remove(AL2023);
    region.remove(ARM);
    expect(await region.look()).toEqual(['warn', 'remember']);
    expect(region.published).toEqual([
      {
        topic: 'alerts',
        subject: '[ecs-drain warning] ECS-optimized AMIs in eu-west-1',
        body: [
          'al2023/x86_64 is no longer recommended by AWS: its parameter is gone. And 1 more.',
          '',
          '- al2023/arm64 is no longer recommended by AWS: its parameter is gone.',
          'Region: eu-west-1 (account 123456789012)',
          'Runbook: docs/operating.md#amis',
        ].join('\n'),
        attributes: { kind: 'amis', severity: 'warning' },
      },
    ]);
    expect(await region.look()).toEqual([]);
  });

  it('is in every form that a subscriber may want it in', async () => {
    const region = await watched([AL2023, ARM]);
    region.remove(AL2023);
    await region.look();
    const { default: machine = '', sms = '', https = '' } = region.alerted[0] ?? {};
    const because = 'al2023/x86_64 is no longer recommended by AWS: its parameter is gone.';
    expect(JSON.parse(machine)).toEqual({
      schema: 1,
      source: 'ecs-drain',
      kind: 'amis',
      severity: 'warning',
      title: 'ECS-optimized AMIs in eu-west-1',
      because,
      details: [],
      runbook: 'docs/operating.md#amis',
      dedupKey: expect.stringMatching(/^ecs-drain\/amis-eu-west-1-[0-9a-f]{8}\/amis$/),
      region: 'eu-west-1',
      accountId: ACCOUNT,
    });
    expect(sms).toBe(`[ecs-drain warning] ECS-optimized AMIs in eu-west-1: ${because}`);
    // Amazon Q drops whatever is not of this form, in silence (AWS-CONTRACTS §2).
    expect(JSON.parse(https)).toMatchObject({
      version: '1.0',
      source: 'custom',
      content: { textType: 'client-markdown', description: expect.stringContaining(because) },
    });
  });

  it('is said again when it could not be said', async () => {
    const region = await watched([AL2023, AL2]);
    region.remove(AL2023);
    region.broken.add('warn');
    await expect(region.look()).rejects.toBeInstanceOf(AggregateError);
    region.broken.clear();
    expect(await region.look()).toEqual(['warn', 'remember']);
  });

  it('is that what was seen cannot be read; nothing is announced, and from then on everything is again', async () => {
    // Prepare
    const region = await watched();
    region.remembers('{"schema":1,"seen":{"al2023');
    region.recommend(AL2023, '2023.0.20261201');

    // Act
    const looked = await region.look();
    region.recommend(AL2023, '2023.0.20261215');
    const afterwards = await region.look();

    // Assess
    expect(looked).toEqual(['warn', 'remember']);
    expect(region.published[0]?.body).toMatch(
      /^What was last seen of AMIs, in the parameter \/ecs-drain\/amis\/seen, could not be read/,
    );
    expect(afterwards).toEqual(['announce al2023/x86_64', 'remember']);
  });

  it('is that, before it is written over', async () => {
    const region = await watched();
    region.remembers('garbled');
    region.broken.add('warn');
    await expect(region.look()).rejects.toBeInstanceOf(AggregateError);
    expect(region.text()).toBe('garbled');
  });
});

describe('a failure', () => {
  it('is told with all that went wrong', async () => {
    const region = await watched([AL2023, AL2]);
    region.recommend(AL2023, '2023.0.20261201');
    for (const what of ['announce al2023/x86_64', 'remember']) region.broken.add(what);
    region.recommend(AL2, '2.0.20261201');
    const failure: AggregateError = await region.look().catch((error) => error);
    expect(failure.errors).toHaveLength(2);
    expect((failure as Error & { errors: Failure[] }).errors.map(String)).toContain(
      `Error: sns:Publish other: ${FAILED.message}`,
    );
  });
});
