import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Resource, Template } from '../support/cloudformation.ts';
import { deployed } from '../support/cloudformation.ts';
import { importsOf, withoutComments } from '../support/imports.ts';
import { root, stackTemplate } from './support.ts';

/**
 * A function's role allows what its code can send, and what is said here, with the reason; nothing else, and nothing less.
 */
const ROLES = {
  intake: 'IntakeRole',
  drain: 'DrainRole',
  'ami-watch': 'AmiWatchRole',
  'ami-update': 'AmiUpdateRole',
} as const;
type Handler = keyof typeof ROLES;
const ALL: readonly Handler[] = ['intake', 'drain', 'ami-watch', 'ami-update'];
const DURABLE: readonly Handler[] = ['drain', 'ami-update'];

/** What happens in the role's name without a line of ours. */
const DECLARED: Readonly<Record<string, { readonly handlers: readonly Handler[]; readonly because: string }>> = {
  'logs:CreateLogStream': { handlers: ALL, because: 'Lambda opens a stream for each environment' },
  'logs:PutLogEvents': { handlers: ALL, because: 'Lambda writes what the code logs' },
  'xray:PutTraceSegments': { handlers: ALL, because: 'Lambda traces, where tracing is on' },
  'xray:PutTelemetryRecords': { handlers: ALL, because: 'the same' },
  'sqs:SendMessage': { handlers: ['intake', ...DURABLE], because: 'Lambda leaves what failed to the dead letters' },
  'kms:GenerateDataKey': { handlers: ALL, because: 'SNS and SQS encrypt with the caller’s permission' },
  'kms:Decrypt': { handlers: ALL, because: 'they also ask for it to check that data key' },
  'lambda:CheckpointDurableExecution': { handlers: DURABLE, because: 'the durable SDK keeps its history' },
  'lambda:GetDurableExecutionState': { handlers: DURABLE, because: 'and reads it where it is longer than one page' },
  // AWS-CONTRACTS §5, §6.
  'ec2:RunInstances': { handlers: ['ami-update'], because: 'a refresh with a template, or a Spot Fleet, asks for it' },
  'ec2:CreateTags': { handlers: ['ami-update'], because: 'and for this, where the template or the fleet has tags' },
  'iam:PassRole': { handlers: ['ami-update'], because: 'and for this, of the instances’ role and of the fleet’s' },
};

/** The prefix of a client's actions in IAM. */
const PREFIXES: Readonly<Record<string, string>> = {
  '@aws-sdk/client-application-auto-scaling': 'application-autoscaling',
  '@aws-sdk/client-auto-scaling': 'autoscaling',
  '@aws-sdk/client-cloudformation': 'cloudformation',
  '@aws-sdk/client-ec2': 'ec2',
  '@aws-sdk/client-ecs': 'ecs',
  '@aws-sdk/client-lambda': 'lambda',
  '@aws-sdk/client-service-quotas': 'servicequotas',
  '@aws-sdk/client-sns': 'sns',
  '@aws-sdk/client-ssm': 'ssm',
};

/** Where the action has another name than the operation. */
const ACTIONS: Readonly<Record<string, string>> = { 'lambda:Invoke': 'lambda:InvokeFunction' };

const arn = (service: string, rest: string) =>
  new RegExp(`^arn:(aws|\\*):${service}:(eu-west-1|\\*):(123456789012|\\*):${rest}$`);
const EXECUTIONS = arn('lambda', 'function:ecs-drain-(drain|ami-update):\\*/durable-execution/\\*/\\*');
const OUR_GROUPS = arn('autoscaling', 'autoScalingGroup:\\*:autoScalingGroupName/.+');
const KEY = /^<key>$/;

/**
 * The resource that each action is about, by AWS's Service Authorization Reference. On any other resource an action is
 * denied without a word; on `*`, it is allowed too much, so that is for those that know no resource at all.
 */
const RESOURCES: Readonly<Record<string, RegExp>> = {
  'ecs:ListClusters': /^\*$/,
  // Of all there are, without a name.
  'ecs:DescribeCapacityProviders': /^\*$/,
  'autoscaling:DescribeAutoScalingInstances': /^\*$/,
  'autoscaling:DescribeLifecycleHooks': /^\*$/,
  'autoscaling:DescribeAutoScalingGroups': /^\*$/,
  'autoscaling:DescribeInstanceRefreshes': /^\*$/,
  'autoscaling:DescribeWarmPool': /^\*$/,
  'application-autoscaling:DescribeScalableTargets': /^\*$/,
  'ec2:DescribeImages': /^\*$/,
  'ec2:DescribeInstances': /^\*$/,
  'ec2:DescribeLaunchTemplateVersions': /^\*$/,
  'ec2:DescribeSpotFleetRequests': /^\*$/,
  // Of which stack, where only a resource is named, is not documented.
  'cloudformation:DescribeStackResources': /^\*$/,
  'servicequotas:GetAWSDefaultServiceQuota': /^\*$/,
  'servicequotas:GetServiceQuota': /^\*$/,
  // The cluster alone, by a condition.
  'ecs:ListServices': /^\*$/,
  'xray:PutTraceSegments': /^\*$/,
  'xray:PutTelemetryRecords': /^\*$/,
  'ecs:ListContainerInstances': arn('ecs', 'cluster/\\*'),
  'ecs:DescribeContainerInstances': arn('ecs', 'container-instance/\\*'),
  'ecs:UpdateContainerInstancesState': arn('ecs', 'container-instance/\\*'),
  'ecs:ListTasks': arn('ecs', 'container-instance/\\*'),
  'ecs:DescribeTasks': arn('ecs', 'task/\\*'),
  'ecs:StopTask': arn('ecs', 'task/\\*'),
  'ecs:GetTaskProtection': arn('ecs', 'task/\\*'),
  'ecs:DescribeServices': arn('ecs', 'service/\\*'),
  'autoscaling:RecordLifecycleActionHeartbeat': OUR_GROUPS,
  'autoscaling:CompleteLifecycleAction': OUR_GROUPS,
  'autoscaling:TerminateInstanceInAutoScalingGroup': OUR_GROUPS,
  'autoscaling:StartInstanceRefresh': OUR_GROUPS,
  'autoscaling:CancelInstanceRefresh': OUR_GROUPS,
  'autoscaling:RollbackInstanceRefresh': OUR_GROUPS,
  'ec2:CreateLaunchTemplateVersion': arn('ec2', 'launch-template/\\*'),
  'ec2:DescribeSpotFleetInstances': arn('ec2', 'spot-fleet-request/\\*'),
  'ec2:ModifySpotFleetRequest': arn('ec2', 'spot-fleet-request/\\*'),
  'ec2:CancelSpotFleetRequests': arn('ec2', 'spot-fleet-request/\\*'),
  // A dozen kinds of resources, and subnets and images may be other accounts'.
  'ec2:RunInstances': arn('ec2', '\\*'),
  'ec2:RequestSpotFleet': arn('ec2', '\\*'),
  'ec2:CreateTags': arn('ec2', '\\*/\\*'),
  'iam:PassRole': /^arn:\*:iam::\*:role\/.+$/,
  'ssm:GetParameter': arn('ssm', 'parameter/ecs-drain/switch'),
  // AWS's public parameters are of no account.
  'ssm:GetParameters':
    /^arn:aws:ssm:eu-west-1:(:parameter\/aws\/service\/\*|123456789012:parameter\/(ecs-drain\/amis\/seen|\*))$/,
  'ssm:DeleteParameter': arn('ssm', 'parameter/ecs-drain/fleets/\\*'),
  'ssm:PutParameter': arn('ssm', 'parameter/ecs-drain/(amis/seen|verified/\\*|fleets/\\*)'),
  'lambda:InvokeFunction': arn('lambda', 'function:ecs-drain-(drain|ami-update):durable'),
  'lambda:GetDurableExecution': EXECUTIONS,
  'lambda:CheckpointDurableExecution': EXECUTIONS,
  'lambda:GetDurableExecutionState': EXECUTIONS,
  'sns:Publish': arn('sns', 'ecs-drain-(alerts|lifecycle|ami-releases)'),
  'sqs:SendMessage': /^<DeadLetters\.Arn>$/,
  'logs:CreateLogStream': arn('logs', 'log-group:/aws/lambda/ecs-drain-(intake|drain|ami-watch|ami-update):\\*'),
  'logs:PutLogEvents': arn('logs', 'log-group:/aws/lambda/ecs-drain-(intake|drain|ami-watch|ami-update):\\*'),
  'kms:GenerateDataKey': KEY,
  'kms:Decrypt': KEY,
};

interface Statement {
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: string | string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

let template: Template;

beforeAll(async () => {
  template = await stackTemplate();
});

/** Everything that can be switched on, so that every statement there is is there. */
const ALL_ON = { KmsKeyArn: '<key>', Tracing: 'on', Rollouts: 'on' };

function statementsOf(role: string, given: Record<string, string> = ALL_ON): Statement[] {
  const { Properties } = deployed(template, given)[role] ?? expect.fail(`there is no ${role}`);
  const policies = Properties['Policies'] as { readonly PolicyDocument: { readonly Statement: Statement[] } }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

/** With rollouts, and otherwise as it comes. */
const PLAIN = { Rollouts: 'on' };

const actionsOf = (statements: readonly Statement[]): string[] => statements.flatMap(({ Action }) => Action);

/** The modules of ours that a handler is made of, following what is imported for more than its types. */
function modulesOf(module: string, found = new Set<string>()): Set<string> {
  if (found.has(module)) return found;
  found.add(module);
  for (const { from, typeOnly } of importsOf(readFileSync(join(root, module), 'utf8'))) {
    if (from.startsWith('.') && !typeOnly) modulesOf(posix.join(posix.dirname(module), from), found);
  }
  return found;
}

/** Commands by name, with the package that they come from. */
function commandsOf(handler: Handler): { readonly command: string; readonly from: string }[] {
  return [...modulesOf(`handlers/${handler}.ts`)].flatMap((module) => {
    const source = withoutComments(readFileSync(join(root, module), 'utf8'));
    return [...source.matchAll(/import\s*\{([^}]*)\}\s*from\s*'(@aws-sdk\/[^']+)'/g)].flatMap(
      ([, names = '', from = '']) =>
        [...names.matchAll(/\b(\w+Command)\b/g)].map(([, command = '']) => ({ command, from })),
    );
  });
}

function sentBy(handler: Handler): string[] {
  return commandsOf(handler).map(({ command, from }) => {
    const operation = `${PREFIXES[from] ?? expect.fail(`${from}: say its prefix in IAM`)}:${command.replace(/Command$/, '')}`;
    return ACTIONS[operation] ?? operation;
  });
}

function neededBy(handler: Handler): Set<string> {
  const declared = Object.entries(DECLARED).filter(([, { handlers }]) => handlers.includes(handler));
  return new Set([...sentBy(handler), ...declared.map(([action]) => action)]);
}

/** What is missing and what is spare; nothing, when all is well. */
function wrongWith(handler: Handler, statements: readonly Statement[]): string[] {
  const allowed = new Set(actionsOf(statements));
  const needed = neededBy(handler);
  return [
    ...[...needed].filter((action) => !allowed.has(action)).map((action) => `missing: ${action}`),
    ...[...allowed].filter((action) => !needed.has(action)).map((action) => `spare: ${action}`),
  ];
}

describe.each(ALL)('the role of the %s', (handler) => {
  const statements = () => statementsOf(ROLES[handler]);

  it('allows what its code can send, and what is declared, and nothing else', () => {
    expect(wrongWith(handler, statements())).toEqual([]);
  });

  it('would be found out if one action were missing, or one spare', () => {
    for (const action of new Set(actionsOf(statements()))) {
      const without = statements().map((statement) => ({
        ...statement,
        Action: [statement.Action].flat().filter((other) => other !== action),
      }));
      expect(wrongWith(handler, without)).toEqual([`missing: ${action}`]);
    }
    const more = [...statements(), { Effect: 'Allow', Action: 'ecs:*', Resource: '*' }];
    expect(wrongWith(handler, more)).toEqual(['spare: ecs:*']);
  });

  it('says each action once', () => {
    const once = actionsOf(statements()).filter((action) => !action.startsWith('kms:'));

    expect(once).toEqual([...new Set(once)]);
  });

  it('is the function’s role, and no other’s', () => {
    const roles = Object.values(template.Resources)
      .filter(({ Type }) => Type === 'AWS::Lambda::Function')
      .map(({ Properties }) => Properties['Role']);

    expect(roles.filter((role) => JSON.stringify(role).includes(ROLES[handler]))).toHaveLength(1);
    expect(template.Resources['IamRoleLambdaExecution']).toBeUndefined();
  });

  it('is for commands that are in its bundle', () => {
    const bundle = readFileSync(join(root, `dist/${handler}/index.mjs`), 'utf8');
    const durable = DURABLE.includes(handler)
      ? ['CheckpointDurableExecutionCommand', 'GetDurableExecutionStateCommand']
      : [];

    for (const name of [...commandsOf(handler).map(({ command }) => command), ...durable])
      expect(bundle).toContain(`"${name}"`);
  });

  it('has commands at all', () => {
    expect(commandsOf(handler).length).toBeGreaterThan(1);
    expect([...modulesOf(`handlers/${handler}.ts`)].every((module) => existsSync(join(root, module)))).toBe(true);
  });
});

describe('every role', () => {
  const roles = () => Object.keys(template.Resources).filter((id) => template.Resources[id]?.Type === 'AWS::IAM::Role');

  it('is known here', () => {
    expect(roles().sort()).toEqual([...Object.values(ROLES), 'HookRole'].sort());
  });

  it('allows each action on the resources that the action knows, no wider', () => {
    for (const role of roles()) {
      for (const { Effect, Action, Resource } of statementsOf(role)) {
        expect(Effect).toBe('Allow');
        for (const action of [Action].flat()) {
          for (const resource of [Resource].flat()) {
            expect(resource, `${role} ${action}`).toMatch(RESOURCES[action] ?? expect.fail(`${action} on what?`));
          }
        }
      }
    }
  });

  it('has neither keys nor traces to use where there are none', () => {
    for (const role of roles()) {
      expect(actionsOf(statementsOf(role, PLAIN)).filter((action) => /^(kms|xray):/.test(action))).toEqual([]);
    }
  });

  it('uses keys through SNS and SQS alone', () => {
    const keys = roles().flatMap((role) => statementsOf(role, { ...ALL_ON, AlertTopicKeyArn: '<key>' }));

    for (const { Action, Condition } of keys) {
      if (![Action].flat().some((action) => action.startsWith('kms:'))) continue;
      const services = [Condition?.['StringEquals']?.['kms:ViaService']].flat();
      expect(services.length).toBeGreaterThan(0);
      for (const service of services) expect(service).toMatch(/^(sns|sqs)\.eu-west-1\.amazonaws\.com$/);
    }
  });

  it('has the boundary and the path that the account asks for', () => {
    const PermissionsBoundaryArn = 'arn:aws:iam::123456789012:policy/boundary';
    const resources = deployed(template, { ...PLAIN, PermissionsBoundaryArn, RolePath: '/platform/' });

    for (const role of roles()) {
      expect(resources[role]?.Properties).toMatchObject({
        Path: '/platform/',
        PermissionsBoundary: PermissionsBoundaryArn,
      });
      expect(deployed(template, PLAIN)[role]?.Properties).not.toHaveProperty('PermissionsBoundary');
      // Running drains and attached hooks hold on to the role that they know.
      expect(resources[role]?.UpdateReplacePolicy).toBe('Retain');
    }
  });
});

describe('the drain’s permissions', () => {
  const AllowedClusters = 'prod-*,web';
  const AllowedGroups = 'prod-*,web-asg';

  it('end at the clusters that are allowed', () => {
    const inCluster = statementsOf('DrainRole', { AllowedClusters }).filter(({ Action }) =>
      /UpdateContainerInstancesState|StopTask|DescribeServices/.test(String(Action)),
    );

    expect(inCluster).toHaveLength(3);
    for (const { Condition } of inCluster) {
      expect(Condition).toEqual({
        ArnLike: { 'ecs:cluster': ['arn:*:ecs:*:*:cluster/prod-*', 'arn:*:ecs:*:*:cluster/web'] },
      });
    }
    expect(JSON.stringify(statementsOf('DrainRole', {}))).not.toContain('ecs:cluster');
  });

  it('end at the groups that are allowed', () => {
    const ofGroups = statementsOf('DrainRole', { AllowedGroups }).find(({ Action }) =>
      String(Action).includes('CompleteLifecycleAction'),
    );

    expect(ofGroups?.Resource).toEqual([
      'arn:*:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/prod-*',
      'arn:*:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/web-asg',
    ]);
  });
});

describe('the permissions of rollouts', () => {
  const statements = (given: Record<string, string> = {}) => statementsOf('AmiUpdateRole', { ...PLAIN, ...given });
  const allowing = (action: string, given: Record<string, string> = {}) =>
    statements(given).find(({ Action }) => [Action].flat().includes(action)) ?? expect.fail(`nothing allows ${action}`);
  const optedIn = { StringEquals: { 'aws:ResourceTag/ecs-drain:ami': ['approve', 'auto'] } };

  it('are not there unless they are asked for', () => {
    expect(deployed(template)).not.toHaveProperty('AmiUpdateRole');
    expect(deployed(template)).not.toHaveProperty('AmiUpdateLambdaFunction');
    expect(JSON.stringify(statementsOf('IntakeRole', {}))).not.toContain('ami-update');
  });

  it('begin only where the owner’s tag says so, and never end the way back', () => {
    expect(allowing('autoscaling:StartInstanceRefresh').Condition).toEqual(optedIn);
    expect(allowing('ec2:CancelSpotFleetRequests').Condition).toEqual(optedIn);
    for (const back of ['autoscaling:RollbackInstanceRefresh', 'autoscaling:CancelInstanceRefresh'])
      expect(allowing(back)).not.toHaveProperty('Condition');
  });

  it('end at the groups, the clusters and the roles that are allowed', () => {
    const given = {
      AllowedGroups: 'prod-*,web-asg',
      AllowedClusters: 'prod',
      AllowedRoles: 'ecsInstance*,fleets/spot',
    };

    for (const action of ['StartInstanceRefresh', 'RollbackInstanceRefresh', 'CancelInstanceRefresh']) {
      expect(allowing(`autoscaling:${action}`, given).Resource).toEqual([
        'arn:*:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/prod-*',
        'arn:*:autoscaling:*:*:autoScalingGroup:*:autoScalingGroupName/web-asg',
      ]);
    }
    for (const action of ['UpdateContainerInstancesState', 'ListServices', 'DescribeServices'])
      expect(allowing(`ecs:${action}`, given).Condition).toEqual({
        ArnLike: { 'ecs:cluster': ['arn:*:ecs:*:*:cluster/prod'] },
      });
    expect(allowing('iam:PassRole', given).Resource).toEqual([
      'arn:*:iam::*:role/ecsInstance*',
      'arn:*:iam::*:role/fleets/spot',
    ]);
  });

  it('pass roles to instances and Spot Fleets alone, and tag only what is just being launched', () => {
    expect(allowing('iam:PassRole').Condition).toEqual({
      StringEquals: {
        'iam:PassedToService': ['ec2.amazonaws.com', 'ec2.amazonaws.com.cn', 'spotfleet.amazonaws.com'],
      },
    });
    expect(allowing('ec2:CreateTags').Condition).toEqual({
      StringEquals: { 'ec2:CreateAction': ['RunInstances', 'RequestSpotFleet'] },
    });
  });

  it('fit into a role, with everything on', () => {
    const { Properties } = deployed(template, {
      ...ALL_ON,
      AlertTopicKeyArn: '<key>',
      AllowedClusters: 'prod',
      Name: 'n'.repeat(40),
    })['AmiUpdateRole'] as Resource;

    // IAM's limit for all inline policies of a role, whitespace apart.
    expect(JSON.stringify(Properties['Policies']).length).toBeLessThan(10_240);
  });
});

describe('the hooks’ role', () => {
  it('is Auto Scaling’s, for this account, to publish to one topic', () => {
    const { Properties } = deployed(template)['HookRole'] as Resource;

    expect(Properties['AssumeRolePolicyDocument']).toMatchObject({
      Statement: [
        {
          Principal: { Service: 'autoscaling.amazonaws.com' },
          Condition: { StringEquals: { 'aws:SourceAccount': '123456789012' } },
        },
      ],
    });
    expect(statementsOf('HookRole', {})).toEqual([
      {
        Sid: 'SendNotices',
        Effect: 'Allow',
        Action: 'sns:Publish',
        Resource: 'arn:aws:sns:eu-west-1:123456789012:ecs-drain-lifecycle',
      },
    ]);
  });
});
