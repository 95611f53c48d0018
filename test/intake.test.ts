import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
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
const NOTICED_AT = '2026-11-13T08:00:05.123Z';
const nameOf = (source: string, version: string): string =>
  executionName({ kind: 'release', source, version, noticedAt: NOTICED_AT });
const lookOf = (source: string): string =>
  executionName({ kind: 'release', source, id: 'look-2026-11-13', noticedAt: NOTICED_AT });
const ROLLOUT = nameOf('al2023/x86_64', '2023.0.20261113');

/** Durable executions of one function, by name; those of a failing name are refused. */
function executions(failing?: string): ExecutionPort & { readonly started: Map<string, object> } {
  const started = new Map<string, object>();
  return {
    started,
    inputOf: async () => aFailure('gone'),
    async start(name, request): Promise<Result<undefined>> {
      if (name === failing) return aFailure('throttled', 'lambda:Invoke');
      if (!started.has(name)) started.set(name, request);
      return { ok: true, value: undefined };
    },
  };
}

function anIntake({ failing, without }: { failing?: string; without?: 'rollouts' } = {}) {
  const drains = executions(failing);
  const rollouts = executions(failing);
  const logs: string[] = [];
  const ports: IntakePorts = {
    executions: drains,
    alerts: { publish: async (): Promise<Result<undefined> | Failure> => ({ ok: true, value: undefined }) },
    rollouts: without === 'rollouts' ? undefined : rollouts,
  };
  return {
    take: (delivery: unknown) => takeIn(delivery, HERE, ports, (level, message) => logs.push(`${level} ${message}`)),
    started: () => ({ drains: [...drains.started.keys()], rollouts: [...rollouts.started.keys()] }),
    request: (name: string) => rollouts.started.get(name),
    logs,
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
    const ports = { executions: refusing, rollouts: refusing, alerts: { publish: async () => nothing } };
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
