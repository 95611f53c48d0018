import { readdirSync, readFileSync } from 'node:fs';
import { CompleteLifecycleActionCommand } from '@aws-sdk/client-auto-scaling';
import { ListAttributesCommand } from '@aws-sdk/client-ecs';
import type { LambdaClient } from '@aws-sdk/client-lambda';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Audit } from '../../sim/audit.ts';
import { createAudit } from '../../sim/audit.ts';
import type { DurableLike } from '../../sim/checkpoint-store.ts';
import type { ExecutionRecord } from '../../sim/execution.ts';
import type { Handles, Region } from '../../sim/region.ts';
import type { Bundles } from '../../sim/run.ts';
import { loadBundles, readScenario, run } from '../../sim/run.ts';
import type { Scenario } from '../../sim/scenario.ts';
import type { World } from '../../sim/world.ts';
import { createWorld } from '../../sim/world.ts';
import { autoScalingPort } from '../../src/aws/auto-scaling.ts';
import type { RequestHandler } from '../../src/aws/clients.ts';
import { autoScalingClient, ecsClient, lambdaClient, snsClient } from '../../src/aws/clients.ts';
import { ecsPort } from '../../src/aws/ecs.ts';
import { alertPort } from '../../src/aws/sns.ts';
import type { LifecycleRequest } from '../../src/drain/request.ts';

/**
 * Who watches the watchman: each rule of the audit is broken here by a program that does the wrong thing on purpose, in
 * place of our drain, so that a rule that has gone blind fails a test.
 */

let real: Bundles;
beforeAll(async () => {
  real = await loadBundles();
});

/** What a stand-in has at hand. Its calls go over the same wire as ours. */
interface Hands {
  readonly request: LifecycleRequest & { readonly cluster: string };
  readonly ecs: ReturnType<typeof ecsPort>;
  readonly autoScaling: ReturnType<typeof autoScalingPort>;
  readonly durable: DurableLike;
  readonly region: Region;
  /** For what our ports refuse to do. */
  readonly requestHandler: RequestHandler;
  /** Does it once, and in a step. */
  act(name: string, effect: () => Promise<unknown>): Promise<void>;
  tell(kind: string): Promise<void>;
  drain(instanceId?: string): Promise<void>;
  complete(): Promise<void>;
  heartbeat(): Promise<void>;
}

type StandIn = (hands: Hands) => Promise<void>;
type Connect = Bundles['drain']['connect'];

function handsOf(event: unknown, durable: DurableLike, platform: Parameters<Connect>[0], region: Region): Hands {
  const requestHandler = platform.requestHandler as RequestHandler;
  const ecs = ecsPort(ecsClient(requestHandler));
  const autoScaling = autoScalingPort(autoScalingClient(requestHandler));
  const alerts = alertPort(snsClient(requestHandler), region.alertTopicArn);
  const request = event as Hands['request'];
  const act = (name: string, effect: () => Promise<unknown>): Promise<void> =>
    durable.step(name, async () => void (await effect()));
  const arnsOf = async (instanceId: string): Promise<readonly string[]> => {
    const arns = await ecs.findContainerInstances(request.cluster, instanceId);
    return arns.ok ? arns.value : [];
  };
  return {
    request,
    ecs,
    autoScaling,
    durable,
    region,
    requestHandler,
    act,
    tell: (kind) =>
      act('tell', () =>
        alerts.publish({
          subject: kind,
          bodies: { default: kind },
          attributes: { kind, instanceId: request.instanceId },
        }),
      ),
    drain: (instanceId = request.instanceId) =>
      act('drain', async () => ecs.setStatus(request.cluster, await arnsOf(instanceId), 'DRAINING')),
    complete: () => act('complete', () => autoScaling.complete(request, 'CONTINUE')),
    heartbeat: () => act('heartbeat', () => autoScaling.heartbeat(request)),
  };
}

const never = () => () => Promise.reject(new Error('a stand-in runs in the checkpoint store only'));

/** Runs the scenario with our intake, and with the stand-in for our drain. */
async function rulesBrokenBy(standIn: StandIn, scenario: Scenario = readScenario('standard'), handles: Handles = {}) {
  let region: Region | undefined;
  const watch = (created: Region): void => {
    region = created;
    handles.watch?.(created);
  };
  const connect: Connect = (platform) => async (event, durable) => {
    if (region === undefined) throw new Error('no region');
    await standIn(handsOf(event, durable, platform, region));
    return { outcome: 'drained' };
  };
  const bundles = { ...real, drain: { create: never, connect } };
  const { report } = await run(scenario, 1, { ...handles, watch, bundles, engine: 'store' });
  return new Set(report.violations.map(({ rule }) => rule));
}

const lasting = (name: string, durationSeconds: number): Scenario => ({ ...readScenario(name), durationSeconds });

/** Sends heartbeats for so long. */
async function stayAlive({ durable, heartbeat }: Hands, seconds: number): Promise<void> {
  for (let passed = 0; passed < seconds; passed += 200) {
    await durable.wait('wait', 200);
    await heartbeat();
  }
}

describe('the audit sees a drain that', () => {
  it('releases at once', async () => {
    expect(await rulesBrokenBy(({ complete }) => complete())).toEqual(new Set(['released-early']));
  });

  it('releases once no task is wanted any more, as most do', async () => {
    const counting: StandIn = async ({ request, ecs, durable, drain, complete }) => {
      await drain();
      for (let wanted = 1; wanted > 0; ) {
        await durable.wait('wait', 10);
        wanted = await durable.step('count', async () => {
          const arns = await ecs.findContainerInstances(request.cluster, request.instanceId);
          const seen = await ecs.describeContainerInstances(request.cluster, arns.ok ? arns.value : []);
          return seen.ok ? seen.value.found.reduce((sum, found) => sum + found.runningTasks, 0) : 1;
        });
      }
      await complete();
    };
    expect(await rulesBrokenBy(counting)).toEqual(new Set(['released-early']));
  });

  it('releases only when every task has stopped, and then has nothing to say against it', async () => {
    const patient: StandIn = async ({ request, durable, region, drain, complete }) => {
      await drain();
      while (region.ecs.unstoppedTasks(request.instanceId).length > 0) await durable.wait('wait', 10);
      await complete();
    };
    expect(await rulesBrokenBy(patient)).toEqual(new Set());
  });

  it('never does anything, so that the hook ends by itself', async () => {
    expect(await rulesBrokenBy(async () => undefined)).toEqual(new Set(['hook-expired']));
  });

  it('keeps the hook alive and forgets to release', async () => {
    const forgetful: StandIn = async (hands) => {
      await hands.drain();
      await stayAlive(hands, 3_600);
    };
    expect(await rulesBrokenBy(forgetful)).toEqual(new Set(['unfinished']));
    expect(await rulesBrokenBy(forgetful, lasting('standard', 3_500))).toEqual(new Set(['unreleased']));
  });

  it('drains an instance that nobody takes away', async () => {
    const careless: StandIn = async ({ request, region, drain }) => {
      const others = region.instancesOf(request.group).filter((id) => id !== request.instanceId);
      for (const id of others) await drain(id);
    };
    expect(await rulesBrokenBy(careless)).toContain('drained-not-leaving');
  });

  it("completes somebody else's hook", async () => {
    const greedy: StandIn = ({ request, requestHandler, act }) =>
      act('complete', () =>
        autoScalingClient(requestHandler).send(
          new CompleteLifecycleActionCommand({
            AutoScalingGroupName: request.group,
            LifecycleHookName: 'ecs-managed-draining-termination-hook',
            InstanceId: request.instanceId,
            LifecycleActionResult: 'CONTINUE',
          }),
        ),
      );
    expect(await rulesBrokenBy(greedy, readScenario('managed-draining-beside'))).toContain('foreign-hook');
  });

  it('acts although the switch says pause, or observe', async () => {
    const deaf: StandIn = ({ drain }) => drain();
    for (const mode of ['pause', 'observe']) {
      const scenario = { ...readScenario('standard'), switch: JSON.stringify({ mode }) };
      expect(await rulesBrokenBy(deaf, scenario), mode).toContain('held-back');
    }
    const stopping: StandIn = ({ request, ecs, act }) => act('stop', () => ecs.stopTask(request.cluster, 'a', 'b'));
    const paused = { ...readScenario('standard'), switch: '{"mode":"pause"}' };
    expect(await rulesBrokenBy(stopping, paused)).toContain('held-back');
    expect(await rulesBrokenBy(stopping)).not.toContain('held-back');
    const releasing: StandIn = async ({ durable, complete }) => {
      await durable.wait('wait', 400);
      await complete();
    };
    expect(await rulesBrokenBy(releasing, readScenario('paused-midway'))).toContain('held-back');
  });

  it('lets the hook end in a pause', async () => {
    const asleep: StandIn = ({ durable }) => durable.wait('wait', 1_000);
    const scenario = { ...readScenario('standard'), switch: '{"mode":"pause"}' };
    expect(await rulesBrokenBy(asleep, scenario)).toEqual(new Set(['hook-expired']));
    expect(await rulesBrokenBy((hands) => stayAlive(hands, 2_000), scenario)).toEqual(new Set());
    // Whose drain has ended in observe mode is kept alive by nobody in a pause that comes after it.
    const observed = (atSeconds: number): Scenario => {
      const paused = { atSeconds, switch: { text: '{"mode":"pause"}' } };
      return { ...scenario, switch: '{"mode":"observe"}', events: [...scenario.events, paused] };
    };
    const ending: StandIn = async () => undefined;
    expect(await rulesBrokenBy(ending, observed(300))).toEqual(new Set());
    const terminate = { atSeconds: 400, terminate: { group: 'web-asg', count: 1 } };
    const afterwards = { ...observed(5), events: [...observed(5).events.slice(1), terminate] };
    expect(await rulesBrokenBy(ending, afterwards)).toEqual(new Set(['hook-expired']));
  });

  it('does not get on and tells nobody; and is content when somebody is told', async () => {
    const stalling =
      (tell: (hands: Hands) => Promise<void>): StandIn =>
      async (hands) => {
        await hands.drain();
        await stayAlive(hands, 1_000);
        await tell(hands);
        await stayAlive(hands, 1_800);
        await hands.durable.wait('wait', 200);
        await hands.complete();
      };
    const scenario = readScenario('stuck-no-capacity');
    expect(
      await rulesBrokenBy(
        stalling(async () => undefined),
        scenario,
      ),
    ).toEqual(new Set(['silent-stall']));
    expect(
      await rulesBrokenBy(
        stalling(({ tell }) => tell('started')),
        scenario,
      ),
    ).toEqual(new Set(['silent-stall']));
    expect(
      await rulesBrokenBy(
        stalling(({ tell }) => tell('stuck')),
        scenario,
      ),
    ).toEqual(new Set());
  });

  it('tells nobody of a stall; where ECS throttles each look that is forgiven for ten minutes more', async () => {
    const silent =
      (seconds: number, looks: number): StandIn =>
      async (hands) => {
        const { region, request } = hands;
        const call = { kind: 'call', service: 'ecs', operation: 'DescribeTasks', input: {} } as const;
        await hands.drain();
        await stayAlive(hands, 500);
        for (let look = 0; look < looks; look++)
          region.world.emit({ ...call, error: 'ThrottlingException', by: `${request.instanceId}-token` });
        await stayAlive(hands, seconds);
        await hands.complete();
      };
    const scenario = readScenario('stuck-no-capacity');

    expect(await rulesBrokenBy(silent(1_000, 4), scenario)).toContain('silent-stall');
    expect(await rulesBrokenBy(silent(1_000, 5), scenario)).not.toContain('silent-stall');
    expect(await rulesBrokenBy(silent(1_500, 5), scenario)).toContain('silent-stall');
  });

  it('says the same at each look', async () => {
    const nagging: StandIn = async (hands) => {
      await hands.drain();
      for (let n = 0; n < 15; n++) {
        await hands.durable.wait('wait', 30);
        await hands.tell('stuck');
      }
      await hands.complete();
    };
    expect(await rulesBrokenBy(nagging)).toEqual(new Set(['nagging']));
  });

  it('goes on calling about an action that has ended', async () => {
    const deaf: StandIn = async (hands) => {
      await hands.drain();
      await hands.durable.wait('wait', 240);
      await hands.complete();
      await stayAlive(hands, 2_000);
    };
    expect(await rulesBrokenBy(deaf)).toEqual(new Set(['ended-and-called']));
  });

  it('sets ACTIVE what somebody else had drained', async () => {
    const helpful: StandIn = ({ request, ecs, act }) =>
      act('activate', async () => {
        const arns = await ecs.findContainerInstances(request.cluster, request.instanceId);
        await ecs.setStatus(request.cluster, arns.ok ? arns.value : [], 'ACTIVE');
      });
    expect(await rulesBrokenBy(helpful, readScenario('already-draining'))).toContain('activated-not-ours');
    const ownWork: StandIn = async (hands) => {
      await hands.drain();
      await helpful(hands);
    };
    expect(await rulesBrokenBy(ownWork)).not.toContain('activated-not-ours');
  });

  it('fails', async () => {
    const failing: StandIn = () => Promise.reject(new Error('a bug'));
    expect(await rulesBrokenBy(failing)).toContain('execution-failed');
  });

  it('makes a call that does not exist', async () => {
    const inventive: StandIn = ({ request, requestHandler, act }) =>
      act('invent', () => {
        const command = new ListAttributesCommand({ cluster: request.cluster, targetType: 'container-instance' });
        return ecsClient(requestHandler)
          .send(command)
          .catch(() => undefined);
      });
    expect(await rulesBrokenBy(inventive)).toContain('unknown-operation');
  });
});

describe('the audit sees an intake that', () => {
  async function rulesBrokenByIntake(deliver: (event: never, lambda: LambdaClient, target: string) => Promise<void>) {
    const create: Bundles['intake']['create'] = ({ environment, requestHandler }) => {
      const lambda = lambdaClient(requestHandler as RequestHandler);
      return (event) => deliver(event, lambda, environment['DRAIN_FUNCTION_ARN'] ?? '');
    };
    const bundles = { ...real, intake: { create } };
    const { report } = await run(readScenario('standard'), 1, { bundles, engine: 'store' });
    return new Set(report.violations.map(({ rule }) => rule));
  }

  it('loses its notice', async () => {
    expect(await rulesBrokenByIntake(() => Promise.reject(new Error('a poison message')))).toContain('lost');
  });

  it('starts two drains for one request', async () => {
    const twice = async (
      event: { Records: { Sns: { Message: string } }[] },
      lambda: LambdaClient,
      FunctionName: string,
    ) => {
      const hook = JSON.parse(event.Records[0]?.Sns.Message ?? '{}');
      const request = {
        kind: 'terminating',
        instanceId: hook.EC2InstanceId,
        group: hook.AutoScalingGroupName,
        hook: hook.LifecycleHookName,
        token: hook.LifecycleActionToken,
        noticedAt: hook.Time,
        departure: 'terminate',
      };
      for (const name of ['first', 'second']) {
        const Payload = new TextEncoder().encode(JSON.stringify(request));
        await lambda.send(
          new InvokeCommand({ FunctionName, InvocationType: 'Event', DurableExecutionName: name, Payload }),
        );
      }
    };
    expect(await rulesBrokenByIntake(twice as never)).toContain('two-executions');
  });
});

describe('the audit sees, of what no program can do by itself,', () => {
  const rulesBroken = (happen: (world: World) => void, executions: readonly ExecutionRecord[] = []): string[] => {
    const world = createWorld({ seed: 1, region: 'eu-west-1' });
    const audit: Audit = createAudit(world, readScenario('standard'));
    happen(world);
    return audit.finish(executions).map(({ rule }) => rule);
  };
  const anExecution = (different: Partial<ExecutionRecord>): ExecutionRecord =>
    ({
      name: 'a',
      operations: 10,
      bytes: 1_000,
      startedAtMs: 0,
      closedAtMs: 1,
      input: '{}',
      ...different,
    }) as ExecutionRecord;
  const nothing = () => undefined;

  it('one execution that runs twice at the same time', () => {
    const invoked = { kind: 'invoked', functionName: 'drain', executionName: 'a' } as const;
    const ended = { kind: 'invocation-ended', functionName: 'drain', executionName: 'a', outcome: 'returned' } as const;
    const end = { ...ended, because: undefined, billedMs: 1 };
    const twice = (world: World): void => [invoked, invoked].forEach(world.emit);
    const oneAfterTheOther = (world: World): void => [invoked, end, invoked].forEach(world.emit);
    expect(rulesBroken(twice)).toEqual(['two-at-once']);
    expect(rulesBroken(oneAfterTheOther)).toEqual([]);
  });

  it('an event that is given up; but not a look at the AMIs that was not answered, for there is another in an hour', () => {
    const givenUp = (functionName: string, because: string) =>
      rulesBroken((world) => world.emit({ kind: 'dead-letter', functionName, because, payload: '' }));
    expect(givenUp('ecs-drain-ami-watch', 'the look failed: ssm:GetParameters throttled: Rate exceeded')).toEqual([]);
    expect(givenUp('ecs-drain-ami-watch', 'the look failed: ssm:GetParameters other: socket hang up')).toEqual([]);
    expect(givenUp('ecs-drain-ami-watch', 'the look failed: ssm:GetParameters other: no such path')).toEqual(['lost']);
    expect(givenUp('ecs-drain-ami-watch', 'the look failed: ssm:GetParameters denied: no')).toEqual(['lost']);
    expect(givenUp('ecs-drain-intake', 'lambda:InvokeFunction throttled')).toEqual(['lost']);
  });

  it('a call that touches an external instance', () => {
    const touched = {
      kind: 'container-instance',
      arn: 'a',
      instanceId: 'mi-0123456789abcdef0',
      cluster: 'web',
    } as const;
    expect(rulesBroken((world) => world.emit({ ...touched, status: 'ACTIVE', by: 'call' }))).toEqual([
      'foreign-instance',
    ]);
  });

  it('an execution that comes to the end of what Lambda allows', () => {
    expect(rulesBroken(nothing, [anExecution({ operations: 2_999, bytes: 100 * 2 ** 20 - 1 })])).toEqual([]);
    expect(rulesBroken(nothing, [anExecution({ operations: 3_000 })])).toEqual(['operation-limit']);
    expect(rulesBroken(nothing, [anExecution({ bytes: 100 * 2 ** 20 })])).toEqual(['data-limit']);
  });
});

it('every rule of the audit is broken by some test here', () => {
  const textOf = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
  const files = readdirSync(new URL('../../sim/', import.meta.url)).filter((file) => file.startsWith('audit'));
  const texts = files.map((file) => textOf(`../../sim/${file}`)).join('');
  const rules = [...texts.matchAll(/violate\(\s*'([a-z-]+)'/g)].map(([, rule]) => rule ?? '');
  const self = ['audit', 'audit-rollouts', 'audit-starts'].map((name) => textOf(`./${name}.test.ts`)).join('');
  expect(new Set(rules).size).toBeGreaterThan(29);
  expect(rules.filter((rule) => !self.includes(`'${rule}'`))).toEqual([]);
});
