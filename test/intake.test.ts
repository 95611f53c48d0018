import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AlertMessage } from '../src/alert.ts';
import type { IntakePorts } from '../src/intake.ts';
import { takeIn } from '../src/intake.ts';
import type { ExecutionPort, Failure, Result } from '../src/ports.ts';
import { FAMILIES } from '../src/rollout/family.ts';
import { executionName, ReleaseRequest } from '../src/rollout/request.ts';
import { aVersion, imageName } from './support/amis.ts';
import { ACCOUNT, aFailure, anEvent, hookMessage, INSTANCE, TOKEN } from './support/build.ts';

const HERE = { accountId: ACCOUNT, region: 'eu-west-1' };
const open = (file: string): { Records: { Sns: { Message: string; Timestamp: string } }[] } =>
  JSON.parse(readFileSync(new URL(`events/${file}`, import.meta.url), 'utf8'));
const [RELEASE] = open('ami-release.json').Records;
const [NOTICE] = [{ Sns: { Message: JSON.stringify(hookMessage()) } }];
const DRAIN = `${INSTANCE}-${TOKEN}`;
const FUNCTION = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:ecs-drain-ami-update:durable`;
const NOTICED_AT = '2026-11-13T08:00:05.123Z';
const nameOf = (source: string, version: string): string =>
  executionName({ kind: 'release', source, version, noticedAt: NOTICED_AT });
const lookOf = (source: string): string =>
  executionName({ kind: 'release', source, id: 'look-2026-11-13', noticedAt: NOTICED_AT });
const ROLLOUT = nameOf('al2023/x86_64', '2023.0.20261113');

/** Durable executions of one function, by name; those of a failing name are refused. */
function executions(
  failing?: string,
  input: Result<string> = aFailure('gone'),
): ExecutionPort & { readonly started: Map<string, object> } {
  const started = new Map<string, object>();
  return {
    started,
    inputOf: async () => input,
    async start(name, request): Promise<Result<undefined>> {
      if (name === failing) return aFailure('throttled', 'lambda:Invoke');
      if (!started.has(name)) started.set(name, request);
      return { ok: true, value: undefined };
    },
  };
}

interface Setting {
  failing?: string;
  without?: 'rollouts';
  /** What the executions that failed were started with. */
  input?: Result<string>;
  alerts?: Failure;
}

function anIntake({ failing, without, input, alerts }: Setting = {}) {
  const drains = executions(failing, input);
  const rollouts = executions(failing, input);
  const logs: string[] = [];
  const published: AlertMessage[] = [];
  const ports: IntakePorts = {
    executions: drains,
    alerts: {
      async publish(alert) {
        published.push(alert);
        return alerts ?? { ok: true, value: undefined };
      },
    },
    rollouts: without === 'rollouts' ? undefined : { ...rollouts, functionArn: FUNCTION, stack: 'mine' },
  };
  return {
    take: (delivery: unknown) => takeIn(delivery, HERE, ports, (level, message) => logs.push(`${level} ${message}`)),
    started: () => ({ drains: [...drains.started.keys()], rollouts: [...rollouts.started.keys()] }),
    request: (name: string) => rollouts.started.get(name),
    logs,
    published,
  };
}

describe('the one door', () => {
  it('sends what is about images to the roll-outs, and everything else to the drains', async () => {
    const intake = anIntake();
    await intake.take({ Records: [RELEASE, NOTICE] });
    expect(intake.started()).toEqual({ drains: [DRAIN], rollouts: [ROLLOUT] });
  });

  it('leaves what EventBridge delivers to the drains', async () => {
    const intake = anIntake();
    await intake.take(anEvent('rebalance'));
    expect(intake.started()).toMatchObject({ drains: [expect.stringContaining(INSTANCE)], rollouts: [] });
  });

  it('joins whatever speaks of the same release, however often and in whichever words', async () => {
    // Prepare
    const intake = anIntake();
    const [otherwise] = open('ami-release.json').Records;
    const message = JSON.parse(otherwise?.Sns.Message ?? '');
    message.ECSAmis[0].ReleaseNotes = 'told by somebody else';

    // Act
    await intake.take({ Records: [RELEASE, RELEASE] });
    await intake.take({
      Records: [
        { Sns: { ...otherwise?.Sns, Message: JSON.stringify(message), Timestamp: '2026-11-14T09:00:00.000Z' } },
      ],
    });

    // Assess
    expect(intake.started().rollouts).toEqual([ROLLOUT]);
    expect(ReleaseRequest.parse(intake.request(ROLLOUT))).toMatchObject({ noticedAt: RELEASE?.Sns.Timestamp });
  });

  it.each([
    ['ami-release-retired.json', [nameOf('al1/x86_64', '2017.09.j')]],
    [
      'ami-base-al2023.json',
      ['al2023/x86_64', 'al2023/arm64', 'al2023-gpu/x86_64', 'al2023-neuron/x86_64'].map(lookOf),
    ],
    [
      'ami-windows.json',
      ['windows-2022-full/x86_64', 'windows-2022-core/x86_64'].map((family) => nameOf(family, '2026.11.11')),
    ],
  ])('starts for %s: %j', async (file, names) => {
    const intake = anIntake();
    await intake.take(open(file));
    expect(intake.started()).toEqual({ drains: [], rollouts: names });
  });

  it('hands over the family, the release and when it was said, and no image: that comes from AWS’s parameters', async () => {
    const intake = anIntake();
    await intake.take({ Records: [RELEASE] });
    expect(intake.request(ROLLOUT)).toEqual({
      kind: 'release',
      source: 'al2023/x86_64',
      version: '2023.0.20261113',
      noticedAt: NOTICED_AT,
    });
  });

  it('has for each family an execution of its own, by a name that Lambda takes', async () => {
    const intake = anIntake();
    const ECSAmis = FAMILIES.map((family) => ({
      Regions: { 'eu-west-1': { Name: imageName(family), ImageId: 'ami-1' } },
    }));
    await intake.take({ Records: [{ Sns: { Message: JSON.stringify({ ECSAmis }), Timestamp: NOTICED_AT } }] });
    const names = intake.started().rollouts;
    expect(names).toEqual(FAMILIES.map((family) => nameOf(family.id, aVersion(family))));
    expect(new Set(names).size).toBe(FAMILIES.length);
    expect(names.filter((name) => !/^[A-Za-z0-9-]{1,60}$/.test(name))).toEqual([]);
  });

  it('looks once a day, and no more, for a message that names no release', async () => {
    const intake = anIntake();
    const [record] = open('ami-base-al2023.json').Records;
    for (const Timestamp of [NOTICED_AT, '2026-11-13T23:00:00.000Z', '2026-11-14T00:00:00.000Z']) {
      await intake.take({ Records: [{ Sns: { ...record?.Sns, Timestamp } }] });
    }
    expect(intake.started().rollouts).toHaveLength(8);
  });

  it('only says so where nothing rolls AMIs out', async () => {
    const intake = anIntake({ without: 'rollouts' });
    await intake.take({ Records: [RELEASE, NOTICE] });
    expect(intake.started()).toEqual({ drains: [DRAIN], rollouts: [] });
    expect(intake.logs).toContain('info ignored: nothing is set up to roll AMIs out');
  });

  it.each<[string, unknown, string]>([
    [
      'with a manual request',
      { Message: '{"kind":"roll-out"}' },
      'warn ignored: a manual request does not come through',
    ],
    [
      'without the time of its message',
      { ...RELEASE?.Sns, Timestamp: undefined },
      'warn ignored: a release without the time',
    ],
  ])('starts nothing for a record %s, and says why', async (_, Sns, log) => {
    const intake = anIntake();
    await intake.take({ Records: [{ Sns }] });
    expect(intake.started()).toEqual({ drains: [], rollouts: [] });
    expect(intake.logs).toEqual([expect.stringContaining(log)]);
  });

  it.each([
    [ROLLOUT, { drains: [DRAIN], rollouts: [] }, "1 of the delivery's releases could not be handed over"],
    [DRAIN, { drains: [], rollouts: [ROLLOUT] }, "1 of the delivery's notices could not be handed over"],
  ])('keeps nothing from one room because of the other, and then fails: %s', async (failing, started, message) => {
    const intake = anIntake({ failing });
    const failure = await intake.take({ Records: [RELEASE, NOTICE] }).catch((error: unknown) => error);
    expect(intake.started()).toEqual(started);
    expect(failure).toBeInstanceOf(AggregateError);
    expect(failure).toMatchObject({ message });
  });

  it('says of both rooms when both failed', async () => {
    const nothing = aFailure('other', 'lambda:Invoke');
    const refusing: ExecutionPort = { inputOf: async () => nothing, start: async () => nothing };
    const ports = {
      executions: refusing,
      rollouts: { ...refusing, functionArn: FUNCTION, stack: 'mine' },
      alerts: { publish: async () => nothing },
    };
    const failure = await takeIn({ Records: [RELEASE, NOTICE] }, HERE, ports, () => {}).catch(
      (error: unknown) => error,
    );
    expect((failure as AggregateError).errors).toHaveLength(2);
  });

  it.each([undefined, null, {}, { Records: 'x' }, { Records: [null, 1, {}, { Sns: null }] }])(
    'survives %j',
    async (delivery) => {
      const intake = anIntake();
      await expect(intake.take(delivery)).resolves.toBeUndefined();
      expect(intake.started()).toEqual({ drains: [], rollouts: [] });
    },
  );
});

describe('a roll-out whose execution failed', () => {
  const failureOf = (name: string) => {
    const event = JSON.parse(readFileSync(new URL('events/execution-failed.json', import.meta.url), 'utf8'));
    event.detail.functionArn = FUNCTION.replace('durable', '3');
    event.detail.durableExecutionName = name;
    return event;
  };
  const inputIs = (value: unknown) => ({ ok: true as const, value: JSON.stringify(value) });
  const release = { kind: 'release', source: 'al2023/x86_64', version: '2023.0.20261113', noticedAt: NOTICED_AT };
  const fleet = {
    kind: 'fleet',
    fleet: "group/o'brien",
    source: 'al2023/x86_64',
    imageId: 'ami-0281c9a5cd9de63bd',
    version: '2023.0.20261113',
    noticedAt: NOTICED_AT,
    release: ROLLOUT,
  };

  it('is not started again by itself; people are told, with the order that starts it anew', async () => {
    const intake = anIntake({ input: inputIs(release) });

    await intake.take(failureOf(ROLLOUT));

    expect(intake.started()).toEqual({ drains: [], rollouts: [] });
    expect(intake.published.map(({ attributes }) => attributes)).toEqual([
      expect.objectContaining({ kind: 'rollout-failed', severity: 'critical' }),
    ]);
    expect(intake.published[0]?.bodies.email).toMatch(/The rollout broke off \(FAILED\): no further fleet is begun/);
    expect(intake.published[0]?.bodies.email).toContain(
      "ecs-drain rollout start al2023/x86_64 --because 'it broke off' --region eu-west-1 --stack mine",
    );
  });

  it('of one fleet is told with that fleet, as one word of the shell, and as part of the release’s rollout', async () => {
    const intake = anIntake({ input: inputIs(fleet) });

    await intake.take(failureOf('obrien-1'));

    expect(intake.published[0]?.bodies.email).toContain(`--group 'group/o'\\''brien' --because`);
    expect(JSON.parse(intake.published[0]?.bodies.default ?? '')).toMatchObject({ rollout: ROLLOUT });
    expect(intake.published[0]?.bodies.email).toContain('goes on without it');
  });

  it('of a Spot Fleet is told with what it may have left, and not of a refresh, which it never has', async () => {
    const intake = anIntake({ input: inputIs({ ...fleet, fleet: 'spot-fleet/sfr-1' }) });

    await intake.take(failureOf('sfr-1-1'));

    const mail = intake.published[0]?.bodies.email;
    expect(mail).toContain(
      'A copy of it, tagged ecs-drain:copy-of with sfr-1, may run beside it; its own target may be',
    );
    expect(mail).toContain('while both are there, no rollout begins on either');
    expect(mail).not.toContain('refresh');
  });

  it('is asked after again where its input cannot be read, or nobody could be told', async () => {
    await expect(anIntake().take(failureOf(ROLLOUT))).rejects.toThrow('gone');
    const mute = anIntake({ input: inputIs(release), alerts: aFailure('throttled') });
    await expect(mute.take(failureOf(ROLLOUT))).rejects.toThrow('throttled');
  });

  it('is only logged where its input is no roll-out’s', async () => {
    const intake = anIntake({ input: inputIs({ kind: 'ordered' }) });

    await intake.take(failureOf(ROLLOUT));

    expect(intake.published).toEqual([]);
    expect(intake.logs).toEqual(['error a failed execution had no request of a roll-out as its input']);
  });

  it('is no drain’s failure: a drain that failed goes where it went before', async () => {
    const event = failureOf(DRAIN);
    event.detail.functionArn = FUNCTION.replace('ami-update:durable', 'drain:7');
    const intake = anIntake({ input: inputIs(release) });

    await intake.take(event);

    expect(intake.logs).toEqual(['error a failed execution had no drain request as its input']);
  });
});

describe('a parameter that fleets follow', () => {
  const change = () => JSON.parse(readFileSync(new URL('events/parameter-verified.json', import.meta.url), 'utf8'));

  it('leads to a roll-out of what it says then, when it is written: one for each time, and no image of its own', async () => {
    const intake = anIntake();

    await intake.take(change());
    await intake.take(change());
    await intake.take({ ...change(), id: 'another' });

    const [first = '', second, ...more] = intake.started().rollouts;
    expect([second, ...more]).toEqual([expect.not.stringMatching(first)]);
    expect(intake.request(first)).toEqual({
      kind: 'release',
      source: '/ecs-drain/verified/al2023/x86_64',
      id: expect.stringMatching(/^change-[0-9a-f]{8}$/),
      noticedAt: '2026-11-17T03:41:22Z',
    });
    expect(ReleaseRequest.safeParse(intake.request(first)).success).toBe(true);
  });

  it.each<[string, (event: ReturnType<typeof change>) => void]>([
    ['of another account', (event) => (event.account = '999999999999')],
    ['that was deleted', (event) => (event.detail.operation = 'Delete')],
    ['with a name that is no path', (event) => (event.detail.name = 'al2023/x86_64')],
  ])('%s leads to nothing', async (_, alter) => {
    const intake = anIntake();
    const event = change();
    alter(event);

    await intake.take(event);

    expect(intake.started()).toEqual({ drains: [], rollouts: [] });
  });

  it('comes again where its roll-out could not be started', async () => {
    const source = '/ecs-drain/verified/al2023/x86_64';
    const intake = anIntake();
    await intake.take(change());
    const [name = ''] = intake.started().rollouts;
    expect(name).toContain(source.slice(1, 10));

    await expect(anIntake({ failing: name }).take(change())).rejects.toThrow('throttled');
  });

  it('leads to nothing where nothing rolls AMIs out', async () => {
    const intake = anIntake({ without: 'rollouts' });

    await intake.take(change());

    expect(intake.started()).toEqual({ drains: [], rollouts: [] });
    expect(intake.logs).toHaveLength(1);
  });
});

const SAMPLES = new URL('../../shared/samples/', import.meta.url);

// Real payloads lie beside the checkout where the project is developed and on CI; a lone clone does not have them.
describe.skipIf(!existsSync(SAMPLES))(
  'each sample of what AWS sends goes through the one door to where it should',
  () => {
    const RELEASE_OF_2018 = /^al1-x86-64-[0-9a-f]{8}-2017-09-[a-z]$/;
    /** The names under which executions begin; what is not here leads to nothing. */
    const EXPECTED: Readonly<Record<string, { drains?: RegExp; rollouts?: RegExp }>> = {
      'ecs-ami-update.message.doc.json': { rollouts: RELEASE_OF_2018 },
      'sns-http.ecs-ami-update.doc.json': { rollouts: RELEASE_OF_2018 },
      'sns-lambda.asg-lifecycle-terminating.captured.json': { drains: /^i-05629ab7d9287e205-465e0162-/ },
      'eb-asg-ec2-instance-terminate-lifecycle-action.json': { drains: /^i-1234567890abcdef0-87654321-/ },
      'eb-asg-replacerootvolume-terminate.json': { drains: /^i-1234567890abcdef0-71514b9d-/ },
      'eb-asg-warmpool-terminating-autoscalinggroup-to-warmpool.json': { drains: /^i-1234567890abcdef0-42694b3d-/ },
      'eb-ec2-rebalance-recommendation.doc.json': { drains: /^i-1234567890abcdef0-/ },
      'eb-ec2-spot-interruption-warning.doc.json': { drains: /^i-1234567890abcdef0-/ },
      'eb-health-ec2-instance-retirement.doc.json': { drains: /^i-1234567890abcdef0-/ },
    };
    const files = existsSync(SAMPLES)
      ? readdirSync(SAMPLES).filter((file) => /^(sns-|eb-|ecs-ami).*json$/.test(file))
      : [];

    /** As it would be delivered. Some of AWS's pages print a placeholder where a real one has a value. */
    const deliveryOf = (file: string): unknown => {
      const text = readFileSync(new URL(file, SAMPLES), 'utf8')
        .replaceAll('"yyyy-mm-ddThh:mm:ssZ"', '"2026-11-13T08:00:05Z"')
        .replace('"instance-action": "action"', '"instance-action": "terminate"');
      const sample = JSON.parse(text);
      if (file.startsWith('sns-http')) return { Records: [{ Sns: sample }] };
      return file.startsWith('ecs-ami') ? { Records: [{ Sns: { Message: text, Timestamp: NOTICED_AT } }] } : sample;
    };

    it.each(files)('%s', async (file) => {
      const intake = anIntake();

      await intake.take(deliveryOf(file));

      const { drains, rollouts } = EXPECTED[file] ?? {};
      expect(intake.started()).toEqual({
        drains: drains ? [expect.stringMatching(drains)] : [],
        rollouts: rollouts ? [expect.stringMatching(rollouts)] : [],
      });
    });

    it('and none that is expected here has gone', () => {
      expect(files).toEqual(expect.arrayContaining(Object.keys(EXPECTED)));
    });
  },
);
