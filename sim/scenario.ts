import * as z from 'zod';
import { FAMILIES } from './amis.ts';
import { FOR_FLEETS, HAPPENINGS } from './happening-shapes.ts';

const name = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/, 'letters, digits, - and _ only');
const seconds = z.number().min(0).max(1_209_600);
const probability = z.number().min(0).max(0.9);

const group = z.string().min(1).max(255);

const Service = z
  .strictObject({
    name,
    strategy: z
      .enum(['REPLICA', 'DAEMON'])
      .default('REPLICA')
      .describe('DAEMON: one task on every instance; `desired` is then ignored'),
    desired: z.int().min(0).max(20_000).default(0).describe('tasks wanted of a REPLICA service'),
    minimumHealthyPercent: z.int().min(0).max(100).default(100),
    maximumPercent: z.int().min(100).max(400).default(200),
    startSeconds: seconds.default(40).describe('from placement to RUNNING'),
    deregistrationSeconds: seconds.default(0).describe('time in DEACTIVATING; 0: not behind a load balancer'),
    stopSeconds: seconds.optional().describe('time the containers take to stop; the stop timeout unless given'),
    stopTimeoutSeconds: seconds.default(30).describe('after it they are killed'),
    deprovisioningSeconds: seconds.default(5),
    cpu: z.int().min(0).default(256),
    memory: z.int().min(0).default(512),
    hostPort: z.int().min(1).max(65_535).optional().describe('at most one such task on an instance'),
    placementConstraint: z.string().max(200).optional().describe('like `attribute:zone == a`'),
    neverStops: z.boolean().default(false).describe('told to stop, its containers hang for ever'),
    protected: z.boolean().default(false).describe('tasks under task protection'),
    protectedSeconds: seconds.optional().describe('until the protection ends'),
  })
  .describe('an ECS service');

const Standalone = z.strictObject({
  count: z.int().min(1).max(1_000),
  runsSeconds: seconds.describe('until it ends by itself'),
  cpu: z.int().min(0).default(256),
  memory: z.int().min(0).default(512),
});

const Cluster = z.strictObject({
  name,
  instances: z.int().min(0).max(5_000),
  group: z.string().min(1).max(255).describe('the Auto Scaling group of these instances'),
  instanceCpu: z.int().min(1).default(4096),
  instanceMemory: z.int().min(1).default(16_384),
  image: z
    .enum([...FAMILIES, 'custom'])
    .default('al2023/x86_64')
    .describe('what its instances run'),
  behind: z.int().min(0).max(2).default(0).describe('by so many releases; two behind is deprecated'),
  template: z
    .enum(['numbered', '$Latest', '$Default', 'resolve:ssm', 'configuration'])
    .default('numbered')
    .describe('the version it launches from; an image parameter in it; or a launch configuration instead'),
  mixed: z
    .enum(['none', 'types', 'templates', 'images', 'attributes'])
    .default('none')
    .describe(
      'a mixed instances policy, one of whose overrides has a template or an arm64 image of its own, or which asks for attributes instead of instance types',
    ),
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}),
  warm: z.int().min(0).max(1_000).default(0).describe('stopped instances in its warm pool'),
  maximum: z.int().min(0).max(10_000).optional().describe('of the group; twice its instances unless given'),
  suspended: z
    .array(z.enum(['Launch', 'Terminate', 'InstanceRefresh']))
    .max(3)
    .default([])
    .describe('processes of the group'),
  replaceInstances: z.boolean().default(true).describe('false: the group shrinks by what is terminated'),
  retainOnAbandon: z.boolean().default(false).describe('the group keeps an instance whose terminate hook is abandoned'),
  protectedFromScaleIn: z.boolean().default(false).describe('by managed termination protection of a capacity provider'),
  managedDraining: z.boolean().default(false).describe('of a capacity provider, beside ours'),
  firstInstanceAttributes: z
    .record(z.string(), z.string())
    .optional()
    .describe('custom attributes of the first instance, for placement constraints'),
  leftovers: z.boolean().default(false).describe('every instance has an older registration with its agent away'),
  services: z.array(Service).max(100).default([]),
  standalone: z.array(Standalone).max(100).default([]),
});

const SpotFleet = z.strictObject({
  name: group,
  cluster: name.describe('which its instances join'),
  instances: z.int().min(0).max(1_000).describe('its target capacity'),
  image: z.enum([...FAMILIES, 'custom']).default('al2023/x86_64'),
  behind: z.int().min(0).max(2).default(0),
  launch: z
    .enum(['template', 'template by name', 'specification'])
    .default('template')
    .describe('its template by id or by name, or a launch specification instead'),
  tags: z.record(z.string().min(1).max(128), z.string().max(256)).default({}),
  onDemand: z.int().min(0).max(1_000).default(0).describe('of its target; EC2 sets no target below that'),
  stack: z.string().min(1).max(128).optional().describe('the CloudFormation stack that made it; no tag tells'),
  validFromSeconds: seconds.optional().describe('from the start until it begins to launch; at once unless given'),
  validSeconds: seconds.optional().describe('from the start until it ends; for ever unless given'),
  scalableTarget: z.boolean().default(false).describe('Application Auto Scaling looks after its target'),
});

/** Of each of EC2's quotas, unless a scenario says otherwise: more than any has instances for. */
export const DEFAULT_VCPUS = 100_000;
const vCpus = z.int().min(0).max(DEFAULT_VCPUS).default(DEFAULT_VCPUS);

const Quotas = z
  .strictObject({
    'L-1216C47A': vCpus.describe('of the instances of groups: Running On-Demand Standard instances'),
    'L-34B43A08': vCpus.describe('of the instances of Spot Fleets: All Standard Spot Instance Requests'),
  })
  .describe('vCPUs that may run in the region, by the code of Service Quotas');

const Hook = z.strictObject({
  group: z.string().min(1).max(255),
  name: z.string().min(1).max(255).default('ecs-drain'),
  heartbeatSeconds: z.int().min(30).max(7_200).default(3_600),
  defaultResult: z.enum(['CONTINUE', 'ABANDON']).default('CONTINUE'),
  metadata: z.boolean().default(true).describe('whether the notice names the cluster'),
  metadataCluster: name.optional().describe('the cluster it names, where that is not the right one'),
  byEvent: z.boolean().default(false).describe('without a target: only EventBridge tells of it'),
  ours: z.boolean().default(true).describe("false: somebody else's hook, which tells nobody of us"),
  target: z.string().max(2_048).optional().describe('ARN that it notifies, where that is not our topic'),
});

const Subscriber = z.strictObject({
  protocol: z.enum(['email', 'https', 'sqs', 'lambda']).default('email'),
  endpoint: z.string().min(1).max(2_048).default('platform@example.com'),
  confirmed: z.boolean().default(true),
});

const Stack = z
  .strictObject({
    subscribers: z.array(Subscriber).max(100).default([]).describe('of the alert topic, beside our functions'),
    deadLetters: z.int().min(0).default(0).describe('messages that nobody handled, from before'),
    durable: z.boolean().default(true).describe('false: the drain function is a plain one'),
    unreservedConcurrency: z.int().min(0).default(1_000).describe('that Lambda has for functions without their own'),
  })
  .describe('how ecs-drain is deployed');

const Event = z
  .strictObject({
    atSeconds: seconds,
    ...(Object.fromEntries(Object.entries(HAPPENINGS).map(([kind, shape]) => [kind, shape.optional()])) as {
      [K in keyof typeof HAPPENINGS]: z.ZodOptional<(typeof HAPPENINGS)[K]>;
    }),
  })
  .refine((event) => Object.values(event).filter((value) => value !== undefined).length === 2, {
    message: `an event has atSeconds and one of ${Object.keys(HAPPENINGS).join(', ')}`,
  });
export type ScenarioEvent = z.infer<typeof Event>;

const Faults = z
  .strictObject({
    throttle: probability.default(0).describe('calls answered with a throttling error'),
    throttleBurst: probability
      .default(0)
      .describe('calls from which on their service throttles all of them, for longer than an SDK tries again'),
    serverError: probability.default(0).describe('calls answered with a 500'),
    timeoutAfterEffect: probability.default(0).describe('calls that did their work but whose answer was lost'),
    duplicate: probability.default(0).describe('messages delivered twice'),
    reorder: probability.default(0).describe('messages delivered late'),
    staleRead: probability.default(0).describe('reads that answer what was true some seconds ago'),
    lostEvents: probability.default(0).describe('EventBridge deliveries that never come'),
    clockSkewSeconds: z
      .number()
      .min(0)
      .max(30)
      .default(0)
      .describe('by which clocks of Lambda machines differ at most'),
    lambdaCrash: probability.default(0).describe('invocations whose Lambda sandbox dies'),
  })
  .describe('probabilities, drawn by the seed');

/** A scenario file. Times in seconds from its start; the seed spreads every task's times by a fifth either way. */
export const Scenario = z
  .strictObject({
    name,
    description: z.string().max(500).default(''),
    region: z
      .string()
      .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region like eu-west-1')
      .default('eu-west-1'),
    durationSeconds: z.number().min(1).max(2_592_000).describe('the run ends earlier when everything is done'),
    clusters: z.array(Cluster).max(200).default([]),
    groups: z
      .array(z.strictObject({ name: z.string().min(1).max(255), instances: z.int().min(0).max(5_000) }))
      .max(100)
      .default([])
      .describe('Auto Scaling groups whose instances are in no cluster'),
    spotFleets: z.array(SpotFleet).max(20).default([]).describe('of type maintain'),
    quotas: Quotas.prefault({}),
    hooks: z.array(Hook).max(200).default([]),
    switch: z.string().max(4_096).optional().describe('text of the switch parameter at the start'),
    settings: z
      .record(z.string().regex(/^[A-Z_]+$/), z.string())
      .default({})
      .describe('environment of the drain function, beyond what the stack sets'),
    amiWatch: z.boolean().default(false).describe('our hourly look for new AMIs; the first within a minute'),
    rollouts: z.boolean().default(false).describe('releases are rolled out, as the tags of the fleets say'),
    stack: Stack.prefault({}),
    events: z.array(Event).max(10_000).default([]),
    denied: z
      .array(z.string().regex(/^[a-z0-9-]+:[A-Z][A-Za-z]+$/, 'an action like ecs:StopTask'))
      .max(100)
      .default([])
      .describe('with --serve: what whoever calls has no permission for'),
    faults: Faults.prefault({}),
  })
  .superRefine((scenario, context) => {
    const groups = new Set([
      ...scenario.clusters.map(({ group }) => group),
      ...scenario.groups.map((group) => group.name),
    ]);
    const fleets = new Set(scenario.spotFleets.map((fleet) => fleet.name));
    const clusters = new Set(scenario.clusters.map((cluster) => cluster.name));
    const check = (group: string, path: (string | number)[], alsoFleet = false) => {
      if (!groups.has(group) && !(alsoFleet && fleets.has(group)))
        context.addIssue({ code: 'custom', path, message: `there is no group ${JSON.stringify(group)}` });
    };
    for (const [i, { group }] of scenario.hooks.entries()) check(group, ['hooks', i, 'group']);
    for (const [i, { atSeconds: _, ...what }] of scenario.events.entries()) {
      for (const [kind, value] of Object.entries(what)) {
        if (value && 'group' in value) check(value.group, ['events', i, kind, 'group'], FOR_FLEETS.has(kind));
        const groups = value && 'groups' in value ? (value.groups ?? []) : [];
        for (const [n, group] of groups.entries()) check(group, ['events', i, kind, 'groups', n], true);
      }
    }
    for (const [i, { name, cluster }] of scenario.spotFleets.entries()) {
      const path = ['spotFleets', i];
      if (groups.has(name)) context.addIssue({ code: 'custom', path, message: `there is a group ${name} already` });
      if (!clusters.has(cluster)) context.addIssue({ code: 'custom', path, message: `there is no cluster ${cluster}` });
    }
  });
export type Scenario = z.infer<typeof Scenario>;

/** A scenario that cannot be run: what is wrong with it, a line for each mistake. */
export class ScenarioError extends Error {
  constructor(source: string, mistakes: readonly string[]) {
    super(`${source} is not a scenario:\n${mistakes.map((mistake) => `  ${mistake}`).join('\n')}`);
    this.name = 'ScenarioError';
  }
}

/** @throws ScenarioError naming every mistake. `source` is where the text comes from, for people. */
export function parseScenario(text: string, source: string): Scenario {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new ScenarioError(source, [`not JSON: ${error instanceof Error ? error.message : error}`]);
  }
  const parsed = Scenario.safeParse(data);
  if (parsed.success) return parsed.data;
  throw new ScenarioError(
    source,
    parsed.error.issues.map((issue) => `${issue.path.map(String).join('.') || '(whole file)'}: ${issue.message}`),
  );
}
