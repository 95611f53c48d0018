import type { Amis } from './amis.ts';
import type { Violate } from './audit.ts';
import type { AutoScaling } from './autoscaling.ts';
import type { ExecutionRecord } from './execution.ts';
import type { World, WorldEvent } from './world.ts';

/** The least that a new instance is given to join its cluster before the next one is replaced: written out once more here, on purpose. */
const FIRST_REST_SECONDS = 600;

/** A refresh of ours, from its start until it is told to stop or to go back. */
interface Course {
  /** What it has launched, by when, and has not joined its cluster yet. */
  readonly waiting: Map<string, number>;
  readonly launched: Set<string>;
  /** One instance: of more than a hundred, the least checkpoint of 1 % is more than one. */
  readonly first: number;
  /** How many instances from before it has taken away. */
  taken: number;
  hasJoined: boolean;
  isOver: boolean;
}

/** An instance as it was when an execution said that its group is rolled. */
interface Standing {
  readonly id: string;
  readonly image: string;
  readonly isAbsent: boolean;
}

/**
 * Watches that a rollout of a group rests on what is so: that it goes on only while what it has launched is at work in
 * ECS, and that what it calls rolled is rolled. EC2 and Auto Scaling notice neither. Answers what judges the endings.
 */
export function watchProof(
  world: World,
  {
    there,
    violate,
  }: {
    there: { readonly amis: Amis; readonly autoScaling: Pick<AutoScaling, 'groupOf' | 'launched'> };
    violate: Violate;
  },
): (executions: readonly ExecutionRecord[]) => void {
  const { amis, autoScaling } = there;
  const courses = new Map<string, Course>();
  const joined = new Set<string>();
  const launchedAt = new Map<string, number>();
  /** By execution: every instance when it ended. */
  const endings = new Map<string, Map<string, Standing[]>>();
  const now = (): number => world.clock.nowSeconds();

  const membersOf = (group: string) => autoScaling.launched().filter(({ id }) => autoScaling.groupOf(id) === group);

  const onCall = ({ operation, by, error, input }: Extract<WorldEvent, { kind: 'call' }>): void => {
    if (error !== undefined || !/^(Start|Cancel|Rollback)InstanceRefresh$/.test(operation)) return;
    const group = String((input as Readonly<Record<string, unknown>>)['AutoScalingGroupName']);
    const course = courses.get(group);
    if (operation !== 'StartInstanceRefresh') {
      if (course) course.isOver = true;
      return;
    }
    courses.delete(group);
    if (by === undefined) return;
    courses.set(group, {
      waiting: new Map(course?.waiting),
      launched: new Set(),
      first: Math.max(1, Math.ceil(membersOf(group).length / 100)),
      taken: 0,
      hasJoined: false,
      isOver: false,
    });
  };

  /** One from before is taken away: by then what came before it must be at work. */
  const onTaken = (group: string, course: Course): void => {
    const overdue = [...course.waiting].find(([, atSeconds]) => now() - atSeconds >= FIRST_REST_SECONDS)?.[0];
    const isBlind = course.taken >= course.first && !course.hasJoined;
    course.taken += 1;
    if (overdue === undefined && !isBlind) return;
    const [stranger = overdue] = course.waiting.keys();
    course.isOver = true;
    violate('went-on-unjoined', overdue ?? stranger, `${group} was rolled on, and ECS has never seen what it launched`);
  };

  const snapshot = (): Map<string, Standing[]> => {
    const groups = new Map<string, Standing[]>();
    for (const { id, state, launched } of autoScaling.launched()) {
      const group = autoScaling.groupOf(id);
      if (group === undefined || !/^(InService|Warmed:Stopped)$/.test(state)) continue;
      const isOld = now() - (launchedAt.get(id) ?? now()) >= FIRST_REST_SECONDS;
      const isAbsent = state === 'InService' && isOld && !joined.has(id);
      groups.set(group, [...(groups.get(group) ?? []), { id, image: launched.image.id, isAbsent }]);
    }
    return groups;
  };

  world.on((event) => {
    if (event.kind === 'call') onCall(event);
    if (event.kind === 'instance-launched') {
      launchedAt.set(event.instanceId, now());
      const course = courses.get(event.group);
      if (course && !course.isOver) {
        course.waiting.set(event.instanceId, now());
        course.launched.add(event.instanceId);
      }
    }
    if (event.kind === 'container-instance' && event.status === 'ACTIVE') {
      joined.add(event.instanceId);
      for (const course of courses.values()) {
        course.waiting.delete(event.instanceId);
        if (course.launched.has(event.instanceId)) course.hasJoined = true;
      }
    }
    // A new root volume, too, is called a refresh: its instance stays.
    if (event.kind === 'instance-terminating' && event.to === 'EC2') {
      const course = courses.get(event.group);
      const isOld = course !== undefined && !course.launched.has(event.instanceId);
      if (isOld && !course.isOver && event.cause === 'an instance refresh') onTaken(event.group, course);
    }
    if (event.kind === 'instance-terminating' || event.kind === 'instance-terminated')
      for (const { waiting } of courses.values()) waiting.delete(event.instanceId);
    if (event.kind === 'execution' && event.status === 'SUCCEEDED') endings.set(event.name, snapshot());
  });

  return (executions) => {
    for (const { name, input, result } of executions) {
      const { kind, fleet = '', imageId = '' } = JSON.parse(input) as Readonly<Record<string, string | undefined>>;
      const isRolled = (result as { readonly outcome?: string } | undefined)?.outcome === 'rolled';
      if (kind !== 'fleet' || !isRolled || !fleet.startsWith('group/')) continue;
      const { architecture } = amis.get(imageId) ?? {};
      for (const { id, image, isAbsent } of endings.get(name)?.get(fleet.slice('group/'.length)) ?? []) {
        if (image !== imageId && amis.get(image)?.architecture === architecture)
          violate('rolled-untrue', id, `${name} called it rolled to ${imageId}, and it runs ${image}`);
        else if (isAbsent) violate('rolled-untrue', id, `${name} called it rolled, and ECS has never seen it`);
      }
    }
  };
}
