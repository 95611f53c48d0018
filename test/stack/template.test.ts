import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { matchesPattern, readPattern } from '../../sim/event-pattern.ts';
import { RUNBOOK } from '../../src/alert.ts';
import { readEvent } from '../../src/drain/event.ts';
import { readFailure } from '../../src/drain/restart.ts';
import type { Measure } from '../../src/ports.ts';
import { readChange } from '../../src/rollout/parameter-change.ts';
import type { Resource, Template } from '../support/cloudformation.ts';
import { ACCOUNT, deployed } from '../support/cloudformation.ts';
import { root, stackTemplate } from './support.ts';

const KEY = 'arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const YOUR_TOPIC = 'arn:aws:sns:eu-west-1:123456789012:on-call';
const WATCH = 'AmiWatchLambdaFunction';
const ROLLING = { Rollouts: 'on' };

/** What the code writes: tsc holds that none is missing. */
const MEASURES = Object.keys({
  DrainsStarted: 1,
  DrainsEnded: 1,
  DrainSeconds: 1,
  TasksCutOff: 1,
  StuckDrains: 1,
} satisfies Record<Measure['name'], 1>);

let template: Template;

beforeAll(async () => {
  template = await stackTemplate();
});

const stack = (given: Record<string, string> = {}) => deployed(template, given);
const properties = (id: string, given: Record<string, string> = {}) =>
  (stack(given)[id] ?? expect.fail(`there is no ${id}`)).Properties;
const ofType = (type: string, given: Record<string, string> = {}): [string, Resource][] =>
  Object.entries(stack(given)).filter(([, { Type }]) => Type === type);

/** Rules for events: what is on a schedule listens to nothing. */
const listening = (given: Record<string, string> = {}) =>
  ofType('AWS::Events::Rule', given).filter(([, { Properties }]) => 'EventPattern' in Properties);

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Principal: unknown;
  readonly Action: string;
  readonly Resource: unknown;
  readonly Condition: unknown;
}

function policyOf(id: string, given: Record<string, string> = {}): readonly Statement[] {
  return (properties(id, given)['PolicyDocument'] as { readonly Statement: readonly Statement[] }).Statement;
}

describe('the functions', () => {
  it('are a durable drain, called by its alias, and an intake', () => {
    expect(properties('DrainLambdaFunction')).toMatchObject({
      FunctionName: 'ecs-drain-drain',
      Runtime: 'nodejs24.x',
      Architectures: ['arm64'],
      DurableConfig: { ExecutionTimeout: 7_776_000, RetentionPeriodInDays: 30 },
    });
    expect(properties('IntakeLambdaFunction')).not.toHaveProperty('DurableConfig');
    expect(ofType('AWS::Lambda::Alias').map(([id]) => id)).toEqual(['DrainDurableLambdaAlias']);
  });

  it('are, where images are rolled out, one more durable one, and none of it is there where they are not', () => {
    expect(properties('AmiUpdateLambdaFunction', ROLLING)).toMatchObject({
      FunctionName: 'ecs-drain-ami-update',
      Timeout: 120,
      DurableConfig: properties('DrainLambdaFunction')['DurableConfig'],
    });
    expect(ofType('AWS::Lambda::Alias', ROLLING).map(([id]) => id)).toContain('AmiUpdateDurableLambdaAlias');
    expect(Object.keys(stack()).filter((id) => id.startsWith('AmiUpdate'))).toEqual([]);
    for (const output of ['AmiUpdateFunctionArn', 'RolloutPrefix', 'AmiUpdateLambdaFunctionQualifiedArn'])
      expect(template.Outputs[output], output).toMatchObject({ Condition: 'RollsOut' });
  });

  it('keep nothing from the account’s other functions', () => {
    expect(JSON.stringify(template)).not.toMatch(/ReservedConcurrent|ProvisionedConcurren/);
  });

  it('trace only where that is asked for', () => {
    for (const [id] of ofType('AWS::Lambda::Function', ROLLING)) {
      expect(properties(id, ROLLING)['TracingConfig']).toEqual({ Mode: 'PassThrough' });
      expect(properties(id, { ...ROLLING, Tracing: 'on' })['TracingConfig']).toEqual({ Mode: 'Active' });
    }
  });

  it('log into groups that are made before them, and kept for as long as is asked for', () => {
    for (const name of ['Intake', 'Drain', 'AmiWatch', 'AmiUpdate']) {
      const { FunctionName } = properties(`${name}LambdaFunction`, ROLLING);
      const group = properties(`${name}LogGroup`, { ...ROLLING, LogRetentionDays: '7' });
      expect(group).toMatchObject({ LogGroupName: `/aws/lambda/${FunctionName}`, RetentionInDays: '7' });
      expect(template.Resources[`${name}LambdaFunction`]).toMatchObject({ DependsOn: [`${name}LogGroup`] });
    }
  });

  it('are named alike, whatever the name', () => {
    expect(properties('DrainLambdaFunction', { Name: 'second' })['FunctionName']).toBe('second-drain');
    // But for the keys of the code, which osls makes.
    expect(
      JSON.stringify(stack({ ...ROLLING, Name: 'second' })).match(/(?<!serverless\/)ecs-drain[-/].{0,20}/g),
    ).toBeNull();
  });
});

describe('what cannot be delivered or handled', () => {
  const dead = '<DeadLetters.Arn>';

  it('goes to the dead letters, wherever it was lost', () => {
    for (const [id, { Properties }] of ofType('AWS::Lambda::Function', ROLLING)) {
      if (id === WATCH) continue;
      expect(Properties['DeadLetterConfig'], id).toEqual({ TargetArn: dead });
    }
    for (const [id, { Properties }] of ofType('AWS::SNS::Subscription')) {
      expect(Properties['RedrivePolicy'], id).toEqual({ deadLetterTargetArn: dead });
    }
    for (const [id, { Properties }] of ofType('AWS::Events::Rule', { ...ROLLING, HookNamePrefix: 'ecs-drain' })) {
      if (id === 'AmiWatchRule') continue;
      expect(Properties['Targets'], id).toEqual([expect.objectContaining({ DeadLetterConfig: { Arn: dead } })]);
    }
  });

  it('does not, of a schedule, whose next hour does the same again', () => {
    expect(properties(WATCH)).not.toHaveProperty('DeadLetterConfig');
    expect(properties('AmiWatchRule')['Targets']).toEqual([{ Id: 'ami-watch', Arn: `<${WATCH}.Arn>` }]);
  });

  it('waits there for two weeks', () => {
    expect(properties('DeadLetters')).toMatchObject({ MessageRetentionPeriod: 1_209_600 });
  });

  it('may be put there by our topics and our rules alone, over TLS', () => {
    const [sns, events, tls, ...more] = policyOf('DeadLettersPolicy');
    const rules = listening({ ...ROLLING, HookNamePrefix: 'ecs-drain' }).map(
      ([, { Properties }]) => `arn:aws:events:eu-west-1:${ACCOUNT}:rule/${Properties['Name']}`,
    );

    expect(more).toEqual([]);
    expect(sns).toMatchObject({
      Principal: { Service: 'sns.amazonaws.com' },
      Condition: {
        ArnEquals: {
          'aws:SourceArn': ['lifecycle', 'ami-releases'].map(
            (name) => `arn:aws:sns:eu-west-1:${ACCOUNT}:ecs-drain-${name}`,
          ),
        },
      },
    });
    expect(events).toMatchObject({
      Principal: { Service: 'events.amazonaws.com' },
      Condition: { ArnEquals: { 'aws:SourceArn': rules } },
    });
    expect(tls).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
  });
});

describe('the topics', () => {
  const onlyLetsIn = (policy: string, role: string) => {
    const [one, tls, ...more] = policyOf(policy);

    expect(more).toEqual([]);
    expect(one).toMatchObject({
      Effect: 'Allow',
      Action: 'sns:Publish',
      Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
      Condition: { ArnEquals: { 'aws:PrincipalArn': `<${role}.Arn>` } },
    });
    expect(tls).toMatchObject({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } });
  };

  it('let in the hooks’ role, and nobody from elsewhere', () => {
    onlyLetsIn('LifecycleTopicPolicy', 'HookRole');
  });

  it('let in, of AMI releases, the role of ami-watch alone', () => {
    onlyLetsIn('AmiReleaseTopicPolicy', 'AmiWatchRole');
  });

  it('let in the alarms of this account, by name', () => {
    const [alarms, tls, ...more] = policyOf('AlertTopicPolicy');

    expect(more).toEqual([]);
    expect(alarms).toMatchObject({
      Effect: 'Allow',
      Action: 'sns:Publish',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Condition: {
        StringEquals: { 'aws:SourceAccount': ACCOUNT },
        ArnLike: { 'aws:SourceArn': `arn:aws:cloudwatch:eu-west-1:${ACCOUNT}:alarm:ecs-drain-*` },
      },
    });
    expect(tls?.Effect).toBe('Deny');
    for (const [, { Properties }] of ofType('AWS::CloudWatch::Alarm'))
      expect(Properties['AlarmName']).toMatch(/^ecs-drain-/);
  });

  it('are one fewer where the alerts go to a topic of the user’s', () => {
    const theirs = stack({ AlertTopicArn: YOUR_TOPIC });

    expect(theirs).not.toHaveProperty('AlertTopic');
    expect(theirs).not.toHaveProperty('AlertTopicPolicy');
    expect(JSON.stringify(theirs['IntakeLambdaFunction'])).toContain(`"ALERT_TOPIC_ARN":"${YOUR_TOPIC}"`);
    expect(JSON.stringify(theirs['DrainLambdaFunction'])).toContain(`"ALERT_TOPIC_ARN":"${YOUR_TOPIC}"`);
    expect(JSON.stringify(theirs['DrainRole'])).toContain(`"Resource":"${YOUR_TOPIC}"`);
    expect(JSON.stringify(theirs)).not.toContain('<AlertTopic');
  });
});

describe('nothing else lets anybody in', () => {
  it('only the topics of notices and of releases are read by a function of ours: what is published to the alert topic, people alone read', () => {
    const subscriptions = ofType('AWS::SNS::Subscription').map(([, { Properties }]) => Properties);

    expect(subscriptions).toEqual(
      ['lifecycle', 'ami-releases'].map((name) =>
        expect.objectContaining({
          TopicArn: `arn:aws:sns:eu-west-1:${ACCOUNT}:ecs-drain-${name}`,
          Protocol: 'lambda',
          Endpoint: '<IntakeLambdaFunction.Arn>',
        }),
      ),
    );
  });

  it('the roles are for Lambda, and for Auto Scaling of this account', () => {
    const trust = ofType('AWS::IAM::Role', ROLLING).map(([id, { Properties }]) => [
      id,
      (Properties['AssumeRolePolicyDocument'] as { readonly Statement: unknown }).Statement,
    ]);
    const by = (service: string) => ({
      Effect: 'Allow',
      Principal: { Service: `${service}.amazonaws.com` },
      Action: 'sts:AssumeRole',
    });

    expect(Object.fromEntries(trust)).toEqual({
      IntakeRole: [by('lambda')],
      DrainRole: [by('lambda')],
      AmiWatchRole: [by('lambda')],
      AmiUpdateRole: [by('lambda')],
      HookRole: [{ ...by('autoscaling'), Condition: { StringEquals: { 'aws:SourceAccount': ACCOUNT } } }],
    });
  });

  it('no permission and no condition depends on a tag, which others may write, but those of rollouts, which it narrows', () => {
    const { AmiUpdateRole, ...others } = stack({
      ...ROLLING,
      KmsKeyArn: KEY,
      Tracing: 'on',
      HookNamePrefix: 'ecs-drain',
    });
    const ofTags = /ResourceTag|RequestTag|PrincipalTag|DescribeTags|ListTagsForResource|GetResources/g;

    expect(JSON.stringify(others)).toContain('ecs:UpdateContainerInstancesState');
    expect(JSON.stringify(others)).not.toMatch(ofTags);
    // Both in a condition of a statement: without the tag there would be more, not less.
    expect(JSON.stringify(AmiUpdateRole).match(ofTags)).toEqual(['ResourceTag', 'ResourceTag']);
    expect(JSON.stringify(AmiUpdateRole).match(/"Condition":\{"StringEquals":\{"aws:ResourceTag/g)).toHaveLength(2);
  });
});

describe('encryption', () => {
  it('is with the user’s key, for all that holds data of theirs', () => {
    const given = { ...ROLLING, KmsKeyArn: KEY };

    for (const id of ['LifecycleTopic', 'AlertTopic', 'AmiReleaseTopic', 'DeadLetters'])
      expect(properties(id, given)['KmsMasterKeyId']).toBe(KEY);
    for (const id of ['IntakeLogGroup', 'DrainLogGroup', 'AmiWatchLogGroup', 'AmiUpdateLogGroup'])
      expect(properties(id, given)['KmsKeyId']).toBe(KEY);
    expect(properties('DeadLetters', given)).not.toHaveProperty('SqsManagedSseEnabled');
  });

  it('is AWS’s own without a key, where senders can live with that', () => {
    expect(properties('DeadLetters')['SqsManagedSseEnabled']).toBe(true);
    // alias/aws/sns would lock out alarms and service principals (AWS-CONTRACTS §1).
    expect(JSON.stringify(stack())).not.toMatch(/Kms|kms/);
  });
});

describe('the rules', () => {
  const fixture = (name: string) => JSON.parse(readFileSync(join(root, `test/events/${name}.json`), 'utf8'));
  const pattern = (id: string, given: Record<string, string> = { ...ROLLING, HookNamePrefix: 'ecs-drain' }) =>
    readPattern(properties(id, given)['EventPattern']);
  const HEARD = [
    ['HookRule', 'hook-by-event-bridge'],
    ['SpotRule', 'spot-interruption'],
    ['RebalanceRule', 'rebalance-recommendation'],
    ['MaintenanceRule', 'health-retirement'],
    ['FailedDrainRule', 'execution-failed'],
    ['VerifiedRule', 'parameter-verified'],
  ] as const;

  it.each(HEARD)('%s lets %s through, and no other of them', (id, name) => {
    const through = HEARD.map(([, event]) => event).filter((event) => matchesPattern(pattern(id), fixture(event)));

    expect(through).toEqual([name]);
  });

  it.each(HEARD)('%s lets through what the intake can read', (_, name) => {
    const event = fixture(name);

    expect(readFailure(event, ACCOUNT) ?? readChange(event, ACCOUNT) ?? readEvent(event, ACCOUNT)[0]).not.toMatchObject(
      { kind: 'ignored' },
    );
  });

  it.each<[string, string, string, (detail: Record<string, unknown>) => void]>([
    [
      'HookRule',
      'hook-by-event-bridge',
      'another’s hook',
      (d) => (d['LifecycleHookName'] = 'ecs-managed-draining-termination-hook'),
    ],
    ['MaintenanceRule', 'health-retirement', 'the copy for a backup region', (d) => (d['eventRegion'] = 'us-east-1')],
    ['MaintenanceRule', 'health-retirement', 'another service', (d) => (d['service'] = 'RDS')],
    ['MaintenanceRule', 'health-retirement', 'news that schedules nothing', (d) => (d['eventTypeCategory'] = 'issue')],
    [
      'VerifiedRule',
      'parameter-verified',
      'what people say of a rollout',
      (d) => (d['name'] = '/ecs-drain/rollouts/x'),
    ],
    ['VerifiedRule', 'parameter-verified', 'that one was deleted', (d) => (d['operation'] = 'Delete')],
    ['FailedDrainRule', 'execution-failed', 'success', (d) => (d['status'] = 'SUCCEEDED')],
    ['FailedDrainRule', 'execution-failed', 'what an operator stopped', (d) => (d['status'] = 'STOPPED')],
    [
      'FailedDrainRule',
      'execution-failed',
      'another function of a like name',
      (d) => (d['functionArn'] = 'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-drain-2:7'),
    ],
  ])('%s of %s does not hear %s', (id, name, _, change) => {
    const event = fixture(name);
    change(event.detail);

    expect(matchesPattern(pattern(id), event)).toBe(false);
  });

  it('know the drain also by its bare name', () => {
    const event = fixture('execution-failed');
    event.detail.functionArn = 'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-drain';

    expect(matchesPattern(pattern('FailedDrainRule'), event)).toBe(true);
  });

  it.each(['ecs-drain-ami-update', 'ecs-drain-ami-update:3'])('know rollouts that failed, as those of %s', (name) => {
    const event = fixture('execution-failed');
    event.detail.functionArn = `arn:aws:lambda:eu-west-1:123456789012:function:${name}`;

    expect(matchesPattern(pattern('FailedDrainRule'), event)).toBe(true);
  });

  it('hear hooks only where their names are given', () => {
    expect(stack()).not.toHaveProperty('HookRule');
    expect(stack()).not.toHaveProperty('HookRulePermission');
  });

  it.each([
    ['SpotRule', 'OnSpotInterruption'],
    ['RebalanceRule', 'OnRebalance'],
    ['MaintenanceRule', 'OnMaintenance'],
  ])('%s listens unless %s is off', (id, parameter) => {
    expect(properties(id)['State']).toBe('ENABLED');
    expect(properties(id, { [parameter]: 'off' })['State']).toBe('DISABLED');
  });

  it('and the topics may call the intake, each by its own permission', () => {
    const given = { ...ROLLING, HookNamePrefix: 'ecs-drain' };
    const permissions = ofType('AWS::Lambda::Permission', given).filter(([id]) => id !== 'AmiWatchRulePermission');
    const sources = permissions.map(([, { Properties }]) => {
      expect(Properties).toMatchObject({ FunctionName: '<IntakeLambdaFunction.Arn>', Action: 'lambda:InvokeFunction' });
      return Properties['SourceArn'];
    });

    expect(sources.sort()).toEqual(
      [
        ...listening(given).map(([id]) => `<${id}.Arn>`),
        'arn:aws:sns:eu-west-1:123456789012:ecs-drain-lifecycle',
        'arn:aws:sns:eu-west-1:123456789012:ecs-drain-ami-releases',
      ].sort(),
    );
  });
});

describe('the look for new AMIs', () => {
  it('is every hour, unless it is off', () => {
    expect(properties('AmiWatchRule')).toMatchObject({ ScheduleExpression: 'rate(1 hour)', State: 'ENABLED' });
    expect(properties('AmiWatchRule', { AmiWatch: 'off' })['State']).toBe('DISABLED');
    expect(properties('AmiWatchRulePermission')).toMatchObject({
      FunctionName: `<${WATCH}.Arn>`,
      Principal: 'events.amazonaws.com',
      SourceArn: '<AmiWatchRule.Arn>',
    });
  });

  it('is heard by the intake, like by anybody else who subscribes', () => {
    expect(properties('AmiReleaseSubscription')).toMatchObject({
      TopicArn: `arn:aws:sns:eu-west-1:${ACCOUNT}:ecs-drain-ami-releases`,
      Protocol: 'lambda',
      Endpoint: '<IntakeLambdaFunction.Arn>',
    });
    expect(template.Outputs).toHaveProperty('AmiReleaseTopicArn');
  });
});

describe('the alarms', () => {
  it('go to the alert topic, whosever it is, and say when it is over', () => {
    for (const [given, topic] of [
      [ROLLING, `arn:aws:sns:eu-west-1:${ACCOUNT}:ecs-drain-alerts`],
      [{ ...ROLLING, AlertTopicArn: YOUR_TOPIC }, YOUR_TOPIC],
    ] as const) {
      for (const [, { Properties }] of ofType('AWS::CloudWatch::Alarm', given)) {
        expect(Properties).toMatchObject({
          AlarmActions: [topic],
          OKActions: [topic],
          TreatMissingData: 'notBreaching',
        });
      }
    }
  });

  const OF_SERVICES = [
    'DeadLettersAlarm',
    'FailedDrainsAlarm',
    'IntakeErrorsAlarm',
    'IntakeThrottlesAlarm',
    'DrainErrorsAlarm',
    'DrainThrottlesAlarm',
    'AmiWatchErrorsAlarm',
  ];

  it('are of the services’ metrics and of ours, without ours where there are none, or none at all', () => {
    const alarms = (given: Record<string, string>) => ofType('AWS::CloudWatch::Alarm', given).map(([id]) => id);
    expect(alarms({}).sort()).toEqual([...OF_SERVICES, 'ForcedDrainsAlarm', 'StuckDrainsAlarm'].sort());
    expect(alarms({ Metrics: 'off' })).toEqual(OF_SERVICES);
    expect(alarms({ Metrics: 'off', ...ROLLING }).sort()).toEqual([...OF_SERVICES, 'AmiUpdateErrorsAlarm'].sort());
    expect(alarms({ Alarms: 'off', ...ROLLING })).toEqual([]);
  });

  it('each have a name that leads to the entry of the runbook', () => {
    const page = readFileSync(join(root, RUNBOOK), 'utf8');
    for (const [id, { Properties }] of ofType('AWS::CloudWatch::Alarm', ROLLING)) {
      const name = String(Properties['AlarmName']).replace(/^ecs-drain-/, '');
      expect(Properties['AlarmDescription'], id).toMatch(new RegExp(` Runbook: ${RUNBOOK}#${name}$`));
      expect(page, id).toContain(`\n### ${name}\n`);
    }
  });

  it('of ours are of metrics that the code writes, under the dimension that it writes', () => {
    const ours = ofType('AWS::CloudWatch::Alarm').filter(
      ([, { Properties }]) => Properties['Namespace'] === 'ecs-drain',
    );
    expect(ours.map(([, { Properties }]) => Properties['MetricName'])).toEqual(['TasksCutOff', 'StuckDrains']);
    for (const [, { Properties }] of ours) {
      expect(MEASURES).toContain(Properties['MetricName']);
      // Lambda's own AWS_LAMBDA_FUNCTION_NAME, from which the code takes it.
      const service = String(properties('DrainLambdaFunction')['FunctionName']);
      expect(Properties['Dimensions']).toEqual([{ Name: 'service', Value: service }]);
    }
  });
});

describe('the dashboard', () => {
  const widgets = (): { properties: { metrics: unknown[][]; region: string } }[] =>
    JSON.parse(String(properties('DrainsDashboard', { Dashboard: 'on' })['DashboardBody'])).widgets;

  it('is there where it is asked for', () => {
    expect(stack()).not.toHaveProperty('DrainsDashboard');
    expect(stack({ Dashboard: 'on' })).toHaveProperty('DrainsDashboard');
  });

  it('shows every metric that the code writes, and names nothing that is not there', () => {
    const shown = JSON.stringify(widgets());
    for (const name of MEASURES) expect(shown).toContain(name);
    expect(shown).not.toContain('${');
    for (const { properties } of widgets()) expect(properties.region).toBe('eu-west-1');
  });
});
