import type { Region } from '../sim/region.ts';
import { sentenceOf } from '../sim/report.ts';
import type { Request } from '../sim/requests.ts';
import { watchTargets } from '../sim/requests.ts';
import type { World, WorldEvent } from '../sim/world.ts';
import type { Light, Mark, Timed } from './demo-frame.ts';

/** What lights up while a fleet is rolled, in the order in which it begins to work. */
export const ROLLOUT_STAGES = ['ami-watch', 'SNS', 'intake', 'ami-update', 'hook', 'drain'] as const;
export type RolloutStage = (typeof ROLLOUT_STAGES)[number];

export type InstanceState = 'starting' | 'ACTIVE' | 'DRAINING' | 'released' | 'gone';

/** An instance of the fleet, and since when it is there. */
export interface Member extends Timed {
  readonly instanceId: string;
  /** Of its image, as the family's version parameter has it. */
  readonly version: string;
}

export interface InstanceChange extends Timed {
  readonly instanceId: string;
  readonly state: InstanceState;
}

export interface TaskChange extends Timed {
  readonly instanceId: string;
  readonly taskArn: string;
  readonly state: 'starting' | 'running' | 'stopping' | 'gone';
  /** The instance was taken away under it. */
  readonly cut: boolean;
}

export interface RefreshChange extends Timed {
  readonly status: string;
  readonly percent: number;
  readonly because: string;
}

/** What the world of one rollout showed, in seconds from its start; everything the demo draws is in here. */
export interface RolloutRecording {
  readonly group: string;
  /** What AWS released, and when ecs-drain announced it. */
  readonly release: { readonly version: string; readonly imageId: string; readonly family: string };
  readonly announcedAtSeconds: number;
  readonly members: readonly Member[];
  readonly instances: readonly InstanceChange[];
  readonly tasks: readonly TaskChange[];
  readonly refreshes: readonly RefreshChange[];
  readonly marks: readonly Mark[];
  readonly lights: readonly Light<RolloutStage>[];
  readonly requests: readonly Request[];
}

const STAGE_OF: Readonly<Record<string, RolloutStage>> = {
  'ecs-drain-ami-watch': 'ami-watch',
  'ecs-drain-intake': 'intake',
  'ecs-drain-ami-update': 'ami-update',
  'ecs-drain-drain': 'drain',
};

/** Watches the region of one fleet from before its start; call the answer when the run is over. */
export function recordRollout(region: Region, group: string): (untilSeconds: number) => RolloutRecording {
  const { world, amis, alertTopicArn, releaseTopicArn } = region;
  const targets = watchTargets(withoutDaemons(region));
  const fleet = watchInstances(region);
  const refreshes = watchRefresh(region, group);
  const marks: Mark[] = [];
  const lights: Light<RolloutStage>[] = [];
  let release = { version: '', imageId: '', family: '' };
  let announcedAtSeconds = 0;

  const mark = (text: string) => marks.push({ atSeconds: world.clock.nowSeconds(), text });
  const light = (stage: RolloutStage) => lights.push({ atSeconds: world.clock.nowSeconds(), stage });

  amis.onRelease(({ id, version, family = '' }) => {
    release = { version, imageId: id, family };
    mark(`AWS recommends a new image: ${family} ${version}`);
  });
  world.on((event) => {
    switch (event.kind) {
      case 'published':
        light('SNS');
        if (event.topicArn === releaseTopicArn) {
          announcedAtSeconds = world.clock.nowSeconds();
          mark('ami-watch λ has found it, and announces it');
        } else if (event.topicArn === alertTopicArn && isOfTheRollout(event)) {
          mark(`alert, ${event.attributes['severity']}: ${sentenceOf(event.message)}`);
        }
        break;
      case 'invoked': {
        const stage = STAGE_OF[event.functionName];
        if (stage) light(stage);
        break;
      }
      case 'call': {
        const what = event.error === undefined ? callWords(event.operation, event.input) : undefined;
        if (what) mark(what);
        break;
      }
      case 'hook-waiting':
        light('hook');
        break;
      case 'container-instance': {
        const text = world.clock.nowSeconds() > 0 ? containerInstanceWords(event) : undefined;
        if (text) mark(text);
        break;
      }
      case 'hook-finished':
        mark(`drain λ completes the action of ${event.instanceId}: ${event.result}`);
        break;
    }
    const news = refreshes.news();
    if (news) mark(news);
  });

  return (untilSeconds) => ({
    group,
    release,
    announcedAtSeconds,
    ...fleet,
    refreshes: refreshes.changes,
    marks,
    lights,
    requests: targets.requests(untilSeconds),
  });
}

/** Requests go to services behind a load balancer: a daemon is behind none. */
function withoutDaemons({ world, scenario }: Region): World {
  const services = scenario.clusters.flatMap(({ services }) => services);
  const daemons = new Set(services.filter(({ strategy }) => strategy === 'DAEMON').map(({ name }) => name));
  return {
    ...world,
    on: (listener) =>
      world.on((event) => (event.kind === 'task' && daemons.has(event.service ?? '')) || listener(event)),
  };
}

/** What single drains say at `info` is seen by the instances themselves. */
function isOfTheRollout({ attributes }: Extract<WorldEvent, { kind: 'published' }>): boolean {
  return attributes['instanceId'] === undefined || attributes['severity'] !== 'info';
}

function callWords(operation: string, input: unknown): string | undefined {
  const given = input as { Name?: string; LaunchTemplateData?: { ImageId?: string } };
  if (operation === 'CreateLaunchTemplateVersion')
    return `ami-update λ writes a template version with ${given.LaunchTemplateData?.ImageId}`;
  if (operation === 'StartInstanceRefresh') return 'ami-update λ starts an instance refresh';
  if (operation === 'PutParameter' && given.Name?.includes('/verified/')) return `ami-update λ writes ${given.Name}`;
  return undefined;
}

function containerInstanceWords(event: Extract<WorldEvent, { kind: 'container-instance' }>): string | undefined {
  if (event.by === 'agent' && event.status === 'ACTIVE') return `${event.instanceId} has joined its cluster`;
  return event.by === 'call' ? `drain λ sets ${event.instanceId} to ${event.status}` : undefined;
}

const STOPPING: ReadonlySet<string> = new Set(['DEACTIVATING', 'STOPPING', 'DEPROVISIONING']);

/** Follows the instances, and the tasks on them. */
function watchInstances({ world, autoScaling, amis }: Region) {
  const members: Member[] = [];
  const instances: InstanceChange[] = [];
  const tasks: TaskChange[] = [];

  const enter = (instanceId: string, state: InstanceState): void => {
    const atSeconds = world.clock.nowSeconds();
    if (members.every((member) => member.instanceId !== instanceId)) {
      const version = amis.get(autoScaling.imageOf(instanceId)?.id ?? '')?.version ?? '?';
      members.push({ atSeconds, instanceId, version });
    }
    instances.push({ atSeconds, instanceId, state });
  };
  world.on((event) => {
    if (event.kind === 'instance-launched') enter(event.instanceId, 'starting');
    if (event.kind === 'container-instance' && (event.status === 'ACTIVE' || event.status === 'DRAINING'))
      enter(event.instanceId, event.status);
    if (event.kind === 'hook-finished') enter(event.instanceId, 'released');
    if (event.kind === 'instance-terminated') enter(event.instanceId, 'gone');
    if (event.kind === 'task') {
      const { instanceId, taskArn, lastStatus, cut } = event;
      const starting = lastStatus === 'RUNNING' ? 'running' : 'starting';
      const state = lastStatus === 'STOPPED' ? 'gone' : STOPPING.has(lastStatus) ? 'stopping' : starting;
      tasks.push({ atSeconds: world.clock.nowSeconds(), instanceId, taskArn, state, cut });
    }
  });
  return { members, instances, tasks };
}

/** Nothing tells of a refresh, in AWS or here: it is looked at whenever something else has happened. */
function watchRefresh({ world, autoScaling }: Region, group: string) {
  const changes: RefreshChange[] = [];
  const look = (): RefreshChange | undefined => {
    const [seen] = autoScaling.operations.DescribeInstanceRefreshes({ AutoScalingGroupName: group }).InstanceRefreshes;
    if (seen === undefined) return undefined;
    const { Status: status = '', PercentageComplete: percent = 0, StatusReason: because = '' } = seen;
    return { atSeconds: world.clock.nowSeconds(), status, percent, because };
  };
  return {
    changes,
    /** A sentence where it stands at another percentage, or in another state. */
    news(): string | undefined {
      // Before the first instances there is no group either.
      if (world.clock.nowSeconds() === 0) return undefined;
      const last = changes.at(-1);
      const now = look();
      const isSame = now?.status === last?.status && now?.percent === last?.percent;
      if (now === undefined || (isSame && now.because === last?.because)) return undefined;
      changes.push(now);
      return isSame ? undefined : refreshWords(now);
    },
  };
}

export function refreshWords({ status, percent, because }: RefreshChange): string {
  return `the refresh is ${status} at ${percent} %${because === '' ? '' : `: ${because}`}`;
}
