import { describe, expect, it } from 'vitest';
import type { Environment } from '../src/config.ts';
import { ConfigError, readDrainConfig, readIntakeConfig, readRolloutConfig, readWatchConfig } from '../src/config.ts';
import { FAMILIES, familiesOf, GROUPS } from '../src/rollout/family.ts';

const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:alerts';
const LIFECYCLE = 'arn:aws:sns:eu-west-1:123456789012:lifecycle';
const FUNCTION = 'arn:aws:lambda:eu-west-1:123456789012:function:ecs-drain-prod-drain:durable';
const drainWith = (settings: Environment) =>
  readDrainConfig({ ALERT_TOPIC_ARN: TOPIC, LIFECYCLE_TOPIC_ARN: LIFECYCLE, ...settings });

function mistakesOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return expect.fail('nothing was wrong');
}

describe('the drain’s settings', () => {
  it('have defaults for all but the topics', () => {
    expect(drainWith({})).toEqual({
      alertTopicArn: TOPIC,
      lifecycleTopicArn: LIFECYCLE,
      hookNamePrefix: undefined,
      clusters: [],
      policy: {
        deadlineSeconds: 3_000,
        stuckAfterSeconds: 600,
        atDeadline: 'CONTINUE',
        spotInterruption: 'drain',
        rebalance: 'notify',
        maintenance: 'notify',
        maintenanceLeadSeconds: 86_400,
      },
      switchParameter: undefined,
      metrics: true,
    });
  });

  it('have no time after which standalone tasks are stopped, unless one is given', () => {
    expect(drainWith({}).policy).not.toHaveProperty('stopStandaloneAfterSeconds');
    expect(drainWith({ STOP_STANDALONE_AFTER_SECONDS: '0' }).policy.stopStandaloneAfterSeconds).toBe(0);
  });

  it('are read, all of them', () => {
    expect(
      drainWith({
        HOOK_NAME_PREFIX: 'ecs-drain/',
        CLUSTERS: 'web,arn:aws:ecs:eu-west-1:123456789012:cluster/batch_2',
        DRAIN_DEADLINE_SECONDS: '7200',
        STUCK_AFTER_SECONDS: '120',
        AT_DEADLINE: 'ABANDON',
        STOP_STANDALONE_AFTER_SECONDS: '900',
        ON_SPOT_INTERRUPTION: 'notify',
        ON_REBALANCE: 'drain',
        ON_MAINTENANCE: 'replace',
        MAINTENANCE_LEAD_SECONDS: '3600',
        SWITCH_PARAMETER: '/ecs-drain/switch',
        METRICS: 'off',
      }),
    ).toEqual({
      alertTopicArn: TOPIC,
      lifecycleTopicArn: LIFECYCLE,
      hookNamePrefix: 'ecs-drain/',
      clusters: ['web', 'arn:aws:ecs:eu-west-1:123456789012:cluster/batch_2'],
      policy: {
        deadlineSeconds: 7_200,
        stuckAfterSeconds: 120,
        atDeadline: 'ABANDON',
        stopStandaloneAfterSeconds: 900,
        spotInterruption: 'notify',
        rebalance: 'drain',
        maintenance: 'replace',
        maintenanceLeadSeconds: 3_600,
      },
      switchParameter: '/ecs-drain/switch',
      metrics: false,
    });
  });

  it('leave other variables of the environment alone', () => {
    expect(drainWith({ AWS_REGION: 'eu-west-1', PATH: '/bin' })).toEqual(drainWith({}));
  });

  it.each([
    ['in China', 'arn:aws-cn:sns:cn-north-1:123456789012:alerts'],
    ['in GovCloud', 'arn:aws-us-gov:sns:us-gov-west-1:123456789012:alerts'],
  ])('take a topic %s', (_, ALERT_TOPIC_ARN) => {
    expect(drainWith({ ALERT_TOPIC_ARN }).alertTopicArn).toBe(ALERT_TOPIC_ARN);
  });

  it.each([
    ['DRAIN_DEADLINE_SECONDS', '60', 'deadlineSeconds', 60],
    ['DRAIN_DEADLINE_SECONDS', '172500', 'deadlineSeconds', 172_500],
    ['STUCK_AFTER_SECONDS', '60', 'stuckAfterSeconds', 60],
    ['STUCK_AFTER_SECONDS', '172800', 'stuckAfterSeconds', 172_800],
    ['STOP_STANDALONE_AFTER_SECONDS', '172800', 'stopStandaloneAfterSeconds', 172_800],
    ['MAINTENANCE_LEAD_SECONDS', '0', 'maintenanceLeadSeconds', 0],
    ['MAINTENANCE_LEAD_SECONDS', '1209600', 'maintenanceLeadSeconds', 1_209_600],
  ])('take %s of %s, which is just within its bounds', (name, value, member, seconds) => {
    expect(drainWith({ [name]: value }).policy).toMatchObject({ [member]: seconds });
  });

  it.each<[string, string | undefined, RegExp]>([
    ['ALERT_TOPIC_ARN', undefined, /^ALERT_TOPIC_ARN is missing: give an ARN like arn:aws:sns/],
    ['ALERT_TOPIC_ARN', '', /^ALERT_TOPIC_ARN must be an ARN like .*, not ""$/],
    ['ALERT_TOPIC_ARN', 'alerts', /not "alerts"/],
    ['ALERT_TOPIC_ARN', 'arn:aws:sqs:eu-west-1:123456789012:alerts', /must be an ARN like arn:aws:sns/],
    ['ALERT_TOPIC_ARN', 'arn:aws:sns:eu-west-1:1234:alerts', /must be an ARN/],
    ['ALERT_TOPIC_ARN', `${TOPIC}\n`, /must be an ARN/],
    ['LIFECYCLE_TOPIC_ARN', undefined, /^LIFECYCLE_TOPIC_ARN is missing: give an ARN like arn:aws:sns/],
    ['LIFECYCLE_TOPIC_ARN', '', /must be an ARN like .*, not ""$/],
    ['LIFECYCLE_TOPIC_ARN', 'arn:aws:sqs:eu-west-1:123456789012:lifecycle', /must be an ARN like arn:aws:sns/],
    // It would be everybody's hooks.
    ['HOOK_NAME_PREFIX', 'e', /at least three characters .*, not "e"$/],
    ['HOOK_NAME_PREFIX', 'ecs*', /characters of the name of a hook/],
    ['DRAIN_DEADLINE_SECONDS', '59', /at least 60 seconds, not "59"/],
    ['DRAIN_DEADLINE_SECONDS', '172501', /at most 172500 seconds/],
    ['DRAIN_DEADLINE_SECONDS', '', /whole number of seconds from 60 to 172500, not ""/],
    ['DRAIN_DEADLINE_SECONDS', '50m', /whole number/],
    ['DRAIN_DEADLINE_SECONDS', '3e3', /whole number/],
    ['DRAIN_DEADLINE_SECONDS', '600.5', /whole number/],
    ['DRAIN_DEADLINE_SECONDS', '-600', /whole number/],
    ['DRAIN_DEADLINE_SECONDS', ' 600', /whole number/],
    ['DRAIN_DEADLINE_SECONDS', '9999999999', /whole number/],
    ['STUCK_AFTER_SECONDS', '0', /at least 60 seconds/],
    ['STUCK_AFTER_SECONDS', '172801', /at most 172800 seconds/],
    ['AT_DEADLINE', 'continue', /must be one of CONTINUE, ABANDON, not "continue"/],
    ['AT_DEADLINE', '', /must be one of CONTINUE, ABANDON, not ""/],
    ['STOP_STANDALONE_AFTER_SECONDS', '', /whole number of seconds from 0 to 172800, not ""/],
    ['STOP_STANDALONE_AFTER_SECONDS', '-1', /whole number/],
    ['STOP_STANDALONE_AFTER_SECONDS', '172801', /at most 172800 seconds/],
    ['ON_SPOT_INTERRUPTION', 'replace', /must be one of notify, drain, not "replace"/],
    ['ON_REBALANCE', 'terminate', /must be one of notify, drain, replace/],
    ['ON_MAINTENANCE', 'DRAIN', /must be one of notify, drain, replace/],
    ['ON_MAINTENANCE', '', /must be one of notify, drain, replace/],
    ['MAINTENANCE_LEAD_SECONDS', '1209601', /at most 1209600 seconds/],
    ['MAINTENANCE_LEAD_SECONDS', '1d', /whole number/],
    ['SWITCH_PARAMETER', 'ecs-drain/switch', /must be the name of an SSM parameter, like \/ecs-drain\/switch/],
    ['SWITCH_PARAMETER', '', /must be the name of an SSM parameter/],
    ['SWITCH_PARAMETER', '/', /must be the name of an SSM parameter/],
    ['SWITCH_PARAMETER', '/ecs drain', /must be the name of an SSM parameter/],
    ['SWITCH_PARAMETER', '/switch\n', /must be the name of an SSM parameter/],
    ['METRICS', 'true', /must be one of on, off, not "true"/],
    ['ALERT_TOPIC_ARN', `${TOPIC}.fifo`, /must be a standard topic, not a FIFO one/],
    ['CLUSTERS', 'web, batch', /cluster names or ARNs, separated by commas, not "web, batch"/],
    ['CLUSTERS', 'web,', /separated by commas/],
    ['CLUSTERS', ',web', /separated by commas/],
    ['CLUSTERS', "web' or '1", /cluster names/],
  ])('refuse %s=%j', (name, value, mistake) => {
    expect(mistakesOf(() => drainWith({ [name]: value }))).toEqual([expect.stringMatching(mistake)]);
  });

  it('name every mistake at once, in one error', () => {
    // Act
    const mistakes = mistakesOf(() =>
      readDrainConfig({
        CLUSTERS: 'a b',
        DRAIN_DEADLINE_SECONDS: '1',
        STUCK_AFTER_SECONDS: 'soon',
        AT_DEADLINE: 'MAYBE',
      }),
    );

    // Assess
    expect(mistakes.map((mistake) => mistake.split(' ')[0]).sort()).toEqual([
      'ALERT_TOPIC_ARN',
      'AT_DEADLINE',
      'CLUSTERS',
      'DRAIN_DEADLINE_SECONDS',
      'LIFECYCLE_TOPIC_ARN',
      'STUCK_AFTER_SECONDS',
    ]);
    expect(() => readDrainConfig({ AT_DEADLINE: 'MAYBE' })).toThrow(
      /^3 wrong settings: ALERT_TOPIC_ARN .*; LIFECYCLE_TOPIC_ARN .*; AT_DEADLINE/,
    );
  });
});

describe('the intake’s settings', () => {
  it.each([FUNCTION, FUNCTION.replace(':durable', ':17'), FUNCTION.replace(':durable', ':$LATEST')])(
    'take %s',
    (DRAIN_FUNCTION_ARN) => {
      expect(readIntakeConfig({ ALERT_TOPIC_ARN: TOPIC, DRAIN_FUNCTION_ARN })).toEqual({
        alertTopicArn: TOPIC,
        drainFunctionArn: DRAIN_FUNCTION_ARN,
        stackName: 'ecs-drain',
      });
    },
  );

  it.each<[string | undefined, RegExp]>([
    [undefined, /^DRAIN_FUNCTION_ARN is missing: give the qualified ARN/],
    ['', /must be a function ARN with a version or alias/],
    ['ecs-drain-prod-drain', /must be a function ARN/],
    // Unqualified: Lambda refuses to start a durable execution of it (AWS-CONTRACTS §7).
    [FUNCTION.replace(':durable', ''), /with a version or alias/],
    [`${FUNCTION} `, /must be a function ARN/],
  ])('refuse %j', (DRAIN_FUNCTION_ARN, mistake) => {
    expect(mistakesOf(() => readIntakeConfig({ ALERT_TOPIC_ARN: TOPIC, DRAIN_FUNCTION_ARN }))).toEqual([
      expect.stringMatching(mistake),
    ]);
  });

  it('name the function that rolls AMIs out, where there is one', () => {
    const settings = { ALERT_TOPIC_ARN: TOPIC, DRAIN_FUNCTION_ARN: FUNCTION };
    const AMI_UPDATE_FUNCTION_ARN = FUNCTION.replace('prod-drain', 'prod-ami-update');
    expect(readIntakeConfig(settings).amiUpdateFunctionArn).toBeUndefined();
    expect(readIntakeConfig({ ...settings, AMI_UPDATE_FUNCTION_ARN }).amiUpdateFunctionArn).toBe(
      AMI_UPDATE_FUNCTION_ARN,
    );
    expect(mistakesOf(() => readIntakeConfig({ ...settings, AMI_UPDATE_FUNCTION_ARN: 'ami-update' }))).toEqual([
      expect.stringMatching(/^AMI_UPDATE_FUNCTION_ARN must be a function ARN with a version or alias/),
    ]);
  });

  it.each<[string | undefined, RegExp]>([
    [undefined, /^ALERT_TOPIC_ARN is missing/],
    [`${TOPIC}.fifo`, /must be a standard topic, not a FIFO one/],
  ])('refuse the topic %j', (ALERT_TOPIC_ARN, mistake) => {
    expect(mistakesOf(() => readIntakeConfig({ ALERT_TOPIC_ARN, DRAIN_FUNCTION_ARN: FUNCTION }))).toEqual([
      expect.stringMatching(mistake),
    ]);
  });
});

describe('the settings of ami-update', () => {
  const settings = {
    ALERT_TOPIC_ARN: TOPIC,
    LIFECYCLE_TOPIC_ARN: LIFECYCLE,
    DRAIN_FUNCTION_ARN: FUNCTION,
    AMI_UPDATE_FUNCTION_ARN: FUNCTION.replace('prod-drain', 'prod-ami-update'),
    PARAMETER_PREFIX: '/ecs-drain',
  };

  it.each([
    [undefined, undefined],
    ['', undefined],
    ['ecs-drain/', 'ecs-drain/'],
  ])('take the beginning %j of the names of hooks for %j', (HOOK_NAME_PREFIX, hookNamePrefix) => {
    expect(readRolloutConfig({ ...settings, HOOK_NAME_PREFIX }).hookNamePrefix).toBe(hookNamePrefix);
  });

  it.each(['e', 'ecs*'])('refuse it as the drain does: %j', (HOOK_NAME_PREFIX) => {
    expect(mistakesOf(() => readRolloutConfig({ ...settings, HOOK_NAME_PREFIX }))).toEqual(
      mistakesOf(() => drainWith({ HOOK_NAME_PREFIX })),
    );
  });
});

describe('the settings of ami-watch', () => {
  const RELEASE_TOPIC_ARN = TOPIC.replace('alerts', 'ecs-drain-ami-releases');
  const settings = { ALERT_TOPIC_ARN: TOPIC, RELEASE_TOPIC_ARN, SEEN_PARAMETER: '/ecs-drain/amis/seen' };

  it('look at every supported family unless they say otherwise', () => {
    expect(readWatchConfig(settings)).toEqual({
      alertTopicArn: TOPIC,
      releaseTopicArn: RELEASE_TOPIC_ARN,
      seenParameter: '/ecs-drain/amis/seen',
      familyGroups: ['supported'],
    });
    expect(familiesOf(['supported'])).toEqual(FAMILIES.filter(({ support }) => support === 'full'));
  });

  it('name every mistake at once', () => {
    expect(mistakesOf(() => readWatchConfig({ AMI_FAMILIES: 'al2022' }))).toEqual([
      expect.stringMatching(/^ALERT_TOPIC_ARN is missing/),
      expect.stringMatching(/^RELEASE_TOPIC_ARN is missing/),
      expect.stringMatching(/^SEEN_PARAMETER is missing/),
      'AMI_FAMILIES must be some of supported, al2023, bottlerocket, bottlerocket-1, al2, al1, windows, separated by commas, not "al2022"',
    ]);
  });

  it.each(Object.keys(GROUPS))('take %s, which is some families', (group) => {
    const { familyGroups } = readWatchConfig({ ...settings, AMI_FAMILIES: `${group},al2023` });
    expect(familyGroups).toEqual([group, 'al2023']);
    expect(familiesOf([group])).not.toEqual([]);
  });

  it('can name every family there is', () => {
    expect(familiesOf(Object.keys(GROUPS).filter((group) => group !== 'supported'))).toEqual(FAMILIES);
  });

  it.each(['', ' ', 'al2023, al2', 'al2023,', 'al2023/x86_64', '*'])('refuse the families %j', (AMI_FAMILIES) => {
    expect(mistakesOf(() => readWatchConfig({ ...settings, AMI_FAMILIES }))).toHaveLength(1);
  });
});
