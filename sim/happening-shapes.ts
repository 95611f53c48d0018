import * as z from 'zod';
import { FAMILIES } from './amis.ts';

const group = z.string().min(1).max(255);
const seconds = z.number().min(0).max(1_209_600);
const name = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'letters, digits, - and _ only');
const source = z.string().min(1).max(1_011).describe('a family, or the name of a parameter');
const some = { group, count: z.int().min(1).max(5_000) };
const leaving = z.strictObject({ group }).describe('the instances of the group that are leaving just then');

/** What can happen, by name; an event names one of them. */
export const HAPPENINGS = {
  terminate: z.strictObject(some).describe('scale-in or replacement: instances leave through their hooks'),
  toWarmPool: z.strictObject(some),
  replaceRootVolume: z.strictObject(some),
  spotInterruption: z
    .strictObject({
      ...some,
      action: z.enum(['hibernate', 'stop', 'terminate']).default('terminate'),
      backAfterSeconds: seconds
        .optional()
        .describe('until Spot starts again what it stopped or hibernated; else never'),
    })
    .describe('a warning now, and the instance is gone two minutes later'),
  rebalance: z.strictObject(some).describe('a recommendation; nothing happens to the instances'),
  maintenance: z
    .strictObject({
      ...some,
      change: z.enum(['reboot', 'retirement']),
      inSeconds: seconds.describe('from the Health event to the maintenance'),
      lastsSeconds: seconds.default(3_600),
    })
    .describe('announced by AWS Health, then done'),
  order: z
    .strictObject({
      ...some,
      reason: z.string().min(1).max(200).default('patching'),
      deadlineSeconds: seconds.optional(),
    })
    .describe('an operator asks for a drain'),
  setActive: leaving.describe('somebody sets the container instances ACTIVE'),
  setDraining: z.strictObject(some).describe('somebody else drains instances that are to stay'),
  deregister: leaving.describe('somebody deregisters the container instances by force'),
  agentAway: leaving,
  agentBack: leaving,
  vanish: leaving.describe('somebody terminates the EC2 instances directly'),
  deleteHook: z.strictObject({ group, name: group }),
  changeHook: z.strictObject({ group, name: group, heartbeatSeconds: z.int().min(30).max(7_200) }),
  unreadable: z
    .strictObject({
      cluster: name,
      error: z.enum(['AccessDeniedException', 'ServerException', 'ClusterNotFoundException']),
    })
    .describe('everything about the cluster fails'),
  readable: z.strictObject({ cluster: name }),
  switch: z.strictObject({ text: z.string().max(4_096) }).describe('somebody writes the switch parameter'),
  release: z
    .strictObject({ family: z.enum(FAMILIES), flaw: z.enum(['agent-never-joins', 'never-healthy']).optional() })
    .describe('AWS recommends a new image of the family from now on'),
  capacity: z.strictObject({ group, available: z.boolean() }).describe('whether anything can be launched for it'),
  quota: z
    .strictObject({ code: z.enum(['L-1216C47A', 'L-34B43A08']), vCpus: z.int().min(0).max(100_000) })
    .describe('AWS grants another quota of vCPUs'),
  spotTarget: z
    .strictObject({ group, to: z.int().min(0).max(1_000) })
    .describe('somebody sets the target of the Spot Fleet that was there first, unless it has ended'),
  optOut: z
    .strictObject({ group })
    .describe('the owner takes its opt-in tag away from the Spot Fleet that was there first'),
  unlist: z.strictObject(some).describe("DescribeSpotFleetInstances leaves so many of a Spot Fleet's out from now on"),
  scale: z.strictObject({ group, to: z.int().min(0).max(5_000) }).describe('a new desired capacity'),
  alarm: z.strictObject({ name: group, raised: z.boolean() }).describe('a CloudWatch alarm'),
  refresh: z.strictObject({ group }).describe('somebody else starts an instance refresh'),
  rollOut: z
    .strictObject({
      source,
      groups: z.array(group).max(50).optional().describe('only these; Spot Fleets by name, too'),
    })
    .describe('an operator orders the rollout of whatever the source names'),
  say: z
    .strictObject({ source, word: z.enum(['approve', 'reject', 'pause', 'resume', 'cancel']) })
    .describe('somebody says it of the rollout of that source which runs, the latest of them'),
  standby: z
    .strictObject({ group, enter: z.boolean() })
    .describe('somebody puts one of its instances into Standby; or all that are in it back into service'),
  writeTemplate: z
    .strictObject({ group })
    .describe(
      'its owner writes a version of its launch template with the recommended image, and has the group launch from it; or writes the parameter that it resolves',
    ),
  deploy: z
    .strictObject({
      settings: z
        .record(z.string().regex(/^[A-Z_]+$/), z.string())
        .default({})
        .describe('environment of the new version, over what the scenario sets'),
    })
    .describe('a new version of our functions: what runs goes on with its own'),
  rollback: z
    .strictObject({})
    .describe(
      'the last update is rolled back: the alias means the version before it again, and what runs goes on with its own',
    ),
  faultsEnd: z.strictObject({}).describe('from now on nothing fails'),
} as const;

/** What can happen to Spot Fleets as to groups. */
export const FOR_FLEETS: ReadonlySet<string> = new Set([
  'spotInterruption',
  'rebalance',
  'order',
  'setDraining',
  'capacity',
  'spotTarget',
  'optOut',
  'unlist',
]);
