import { beforeAll } from 'vitest';
import type { DurableLike } from '../../sim/checkpoint-store.ts';
import type { Region } from '../../sim/region.ts';
import type { Bundles } from '../../sim/run.ts';
import { loadBundles, run } from '../../sim/run.ts';
import type { Scenario } from '../../sim/scenario.ts';
import type { RequestHandler } from '../../src/aws/clients.ts';
import {
  applicationAutoScalingClient,
  autoScalingClient,
  cloudFormationClient,
  ec2Client,
  ecsClient,
  snsClient,
  ssmClient,
} from '../../src/aws/clients.ts';
import { ecsPort } from '../../src/aws/ecs.ts';
import { groupsPort } from '../../src/aws/fleet-groups.ts';
import { parametersPort } from '../../src/aws/parameters.ts';
import { alertPort } from '../../src/aws/sns.ts';
import { spotFleetsPort } from '../../src/aws/spot-fleets.ts';
import { templatesPort } from '../../src/aws/templates.ts';
import type { RefreshPreferences } from '../../src/rollout/ports.ts';

/** A program that does the wrong thing on purpose, in place of our function that rolls images out. */

let real: Bundles;
beforeAll(async () => {
  real = await loadBundles();
});

export interface Hands {
  /** What the execution was started for. */
  readonly event: unknown;
  readonly source: string;
  readonly groups: ReturnType<typeof groupsPort>;
  readonly spotFleets: ReturnType<typeof spotFleetsPort>;
  readonly templates: ReturnType<typeof templatesPort>;
  readonly ecs: ReturnType<typeof ecsPort>;
  readonly parameters: ReturnType<typeof parametersPort>;
  readonly durable: DurableLike;
  readonly region: Region;
  act(effect: () => Promise<unknown>): Promise<void>;
  tell(kind: string, attributes: Record<string, string>): Promise<void>;
}
export type StandIn = (hands: Hands) => Promise<void>;

/** The rules that the audit sees it break. */
export async function rulesBrokenBy(standIn: StandIn, scenario: Scenario) {
  let region: Region | undefined;
  const watch = (created: Region): void => {
    region = created;
  };
  const connect: Bundles['amiUpdate']['connect'] = (platform) => async (event, durable) => {
    if (region === undefined) throw new Error('no region');
    const handler = platform.requestHandler as RequestHandler;
    const alerts = alertPort(snsClient(handler), region.alertTopicArn);
    const act = (effect: () => Promise<unknown>) => durable.step('act', async () => void (await effect()));
    await standIn({
      event,
      source: (event as { source: string }).source,
      groups: groupsPort(autoScalingClient(handler), ec2Client(handler)),
      spotFleets: spotFleetsPort(
        ec2Client(handler),
        applicationAutoScalingClient(handler),
        cloudFormationClient(handler),
      ),
      templates: templatesPort(ec2Client(handler)),
      ecs: ecsPort(ecsClient(handler)),
      parameters: parametersPort(ssmClient(handler)),
      durable,
      region,
      act,
      tell: (kind, attributes) =>
        act(() => alerts.publish({ subject: kind, bodies: { default: kind }, attributes: { kind, ...attributes } })),
    });
    return { outcome: 'rolled', because: '' };
  };
  const create = () => () => Promise.reject(new Error('a stand-in runs in the checkpoint store only'));
  const bundles = { ...real, amiUpdate: { create, connect } };
  const { report } = await run(scenario, 1, { bundles, engine: 'store', watch });
  return new Set(report.violations.map(({ rule }) => rule));
}

export const PREFERENCES: RefreshPreferences = {
  minHealthyPercent: 100,
  maxHealthyPercent: 110,
  checkpoints: [25, 100],
  checkpointDelaySeconds: 3_600,
  bakeSeconds: 0,
  alarms: [],
  autoRollback: false,
  scaleInProtected: 'Ignore',
  standby: 'Ignore',
  skipMatching: false,
};

export const oldFleet = ({ spotFleets }: Region): string => [...spotFleets.fleets.keys()][0] ?? '';

/** Makes the second version of the group's template, with the new image. */
export async function newVersion({ templates, region, act }: Hands) {
  const seen = region.autoScaling.operations.DescribeAutoScalingGroups({ AutoScalingGroupNames: ['web-asg'] });
  const templateId = seen.AutoScalingGroups[0]?.LaunchTemplate?.LaunchTemplateId ?? '';
  const { id } = region.amis.recommended('al2023/x86_64');
  await act(() => templates.createVersion({ templateId, number: 1 }, id, 'token', 'a test'));
  return { kind: 'template', template: { templateId, version: '2' } } as const;
}

/** Begins to replace all instances by such of the new image. */
export async function refresh(hands: Hands, preferences: RefreshPreferences): Promise<void> {
  const desired = await newVersion(hands);
  await hands.act(() => hands.groups.startRefresh('web-asg', desired, preferences));
}
