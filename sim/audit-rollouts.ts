import type { Amis } from './amis.ts';
import type { Violate } from './audit.ts';
import type { Instances } from './audit-instances.ts';
import { watchMinimum } from './audit-minimum.ts';
import { watchOneRollout } from './audit-one-rollout.ts';
import { watchProof } from './audit-proof.ts';
import type { AutoScaling } from './autoscaling.ts';
import type { Ecs } from './ecs.ts';
import type { ExecutionRecord } from './execution.ts';
import type { Scenario } from './scenario.ts';
import type { SpotFleet, SpotFleets } from './spot-fleets.ts';
import type { Templates } from './templates.ts';
import type { World, WorldEvent } from './world.ts';

/** What there really is, for whoever judges what is done to it. */
export interface There {
  readonly amis: Amis;
  readonly autoScaling: Pick<AutoScaling, 'operations' | 'imageOf' | 'groupOf' | 'launched'>;
  readonly ecs: Pick<Ecs, 'unstoppedTasks'>;
  readonly spotFleets: Pick<SpotFleets, 'fleets' | 'instance'>;
  readonly templates: Pick<Templates, 'nameOf'>;
}

type Call = Pick<Extract<WorldEvent, { kind: 'call' }>, 'operation' | 'error'> & {
  readonly input: Readonly<Record<string, unknown>>;
};

/** The tag that opts a fleet in, and the one that says whose the template is: written out once more here, on purpose. */
const MODE = 'ecs-drain:ami';
const TEMPLATE = 'ecs-drain:template';

/** The second look comes after a minute; throttled, or after a crash, it takes its time. */
const NOTICE_SECONDS = 1_800;

/** Watches what is done to groups, templates and Spot Fleets. Answers what judges them when the run is over. */
export function watchRollouts(
  world: World,
  scenario: Scenario,
  { there, instances, violate }: { there: There; instances: Instances; violate: Violate },
): (executions: readonly ExecutionRecord[]) => void {
  const { spotFleets, ecs, templates, amis, autoScaling } = there;
  const touched = new Set<string>();
  /** By fleet and by group, whether people heard of it by another alert than that it began. */
  const toldOf = new Set<string>();
  /** Instances whose people heard that their tasks are cut off. */
  const forced = new Set<string>();
  const active = new Set<string>();
  const cut = new Map<string, number>();
  const now = (): number => world.clock.nowSeconds();
  watchMinimum(world, scenario, { there, forced, violate });
  const judgeProof = watchProof(world, { there, violate });
  /** The second template of a mixed group has its name, and what is different about it. */
  const groupOf = (templateId: string): string => (templates.nameOf(templateId) ?? '').replace(/-arm$/, '');
  // On one Spot Fleet two may begin, for a version changes nothing of it: whether two copies stay is judged below.
  const isSpot = (name: string): boolean => scenario.spotFleets.some((fleet) => fleet.name === name);
  watchOneRollout(world, {
    groupOf: (templateId) => (isSpot(groupOf(templateId)) ? undefined : groupOf(templateId)),
    violate,
  });

  const fleetNamed = (id = ''): SpotFleet | undefined => spotFleets.fleets.get(id);
  const membersOf = (fleet: SpotFleet): string[] =>
    [...fleet.instances.values()].filter(({ isGone }) => !isGone).map(({ id }) => id);

  const tagsOf = (name: string): Readonly<Record<string, string>> =>
    scenario.clusters.find(({ group }) => group === name)?.tags ??
    scenario.spotFleets.find((fleet) => fleet.name === name)?.tags ??
    {};

  /** Whose tag does not ask for it, or waits for a word that nobody has given, is left as it is. */
  const judgeTouch = (name: string, operation: string): void => {
    touched.add(name);
    const { [MODE]: mode = 'none', [TEMPLATE]: template } = tagsOf(name);
    const isApproved = scenario.events.some(({ atSeconds, say }) => say?.word === 'approve' && atSeconds <= now());
    if (mode !== 'auto' && !(mode === 'approve' && isApproved))
      violate('touched-unasked', undefined, `${operation} was called for ${name}, whose tag says ${mode}`);
    if (operation === 'CreateLaunchTemplateVersion' && template === 'keep')
      violate('touched-unasked', undefined, `the template of ${name} is its owner's`);
  };

  /** Nothing but the cancel of a fleet cannot be undone: nothing may be left on its instances then. */
  const judgeCancel = (fleet: SpotFleet): void => {
    const { id: fleetId, targetAtEnd: target } = fleet;
    // At any other target EC2 goes on to launch: nobody has drained what comes.
    if (target > 0) violate('cancelled-undrained', undefined, `${fleetId} was cancelled with a target of ${target}`);
    for (const id of membersOf(fleet)) {
      if (forced.has(id) || (!active.has(id) && ecs.unstoppedTasks(id).length === 0)) continue;
      violate('cancelled-undrained', id, `${fleet.id} was cancelled with it, and it was not drained`);
    }
  };

  /** Two that were made in the same moment cannot see each other before: one of them is to be given up soon after. */
  const judgeCopies = (name: string, copies: readonly SpotFleet[]): void => {
    const kept = copies.filter(({ state, target }) => !state.startsWith('cancelled') && target > 0);
    if (kept.length > 1)
      violate('two-rollouts', undefined, `${kept.length} copies stand beside each other for ${name}`);
  };

  const onFleetCall = ({ operation, input }: Call): void => {
    if (operation === 'RequestSpotFleet') {
      const [newest] = [...spotFleets.fleets.values()].slice(-1);
      if (newest === undefined) return;
      judgeTouch(newest.name, operation);
      const alike = [...spotFleets.fleets.values()].filter(
        ({ name, state }) => name === newest.name && !state.startsWith('cancelled'),
      );
      const [, ...copies] = alike;
      if (copies.length > 1) world.clock.after(NOTICE_SECONDS * 1000, () => judgeCopies(newest.name, copies));
    }
    if (operation === 'ModifySpotFleetRequest') {
      const fleet = fleetNamed(input['SpotFleetRequestId'] as string);
      if (fleet === undefined) return;
      judgeTouch(fleet.name, operation);
      instances.fleetLeaves(membersOf(fleet), fleet.target === 0);
    }
    if (operation === 'CancelSpotFleetRequests') {
      for (const id of (input['SpotFleetRequestIds'] as string[] | undefined) ?? []) {
        const fleet = fleetNamed(id);
        if (fleet === undefined) continue;
        judgeTouch(fleet.name, operation);
        // The role may cancel only what has the tag just then (stack/rollout-role.yml).
        const mode = fleet.tags.find(({ Key }) => Key === MODE)?.Value;
        if (mode !== 'auto' && mode !== 'approve')
          violate(
            'touched-unasked',
            undefined,
            `${fleet.id} was cancelled, whose tag says ${mode ?? 'nothing'} by now`,
          );
        if (input['TerminateInstances'] === true) judgeCancel(fleet);
      }
    }
  };

  const onCall = (event: Call): void => {
    if (event.error !== undefined) return;
    const { operation, input } = event;
    if (/^(Start|Cancel|Rollback)InstanceRefresh$/.test(operation))
      judgeTouch(input['AutoScalingGroupName'] as string, operation);
    if (operation === 'CreateLaunchTemplateVersion')
      judgeTouch(groupOf(input['LaunchTemplateId'] as string), operation);
    onFleetCall(event);
  };

  world.on((event) => {
    if (event.kind === 'call') onCall({ ...event, input: event.input as Call['input'] });
    if (event.kind === 'container-instance') {
      if (event.status === 'ACTIVE') active.add(event.instanceId);
      else active.delete(event.instanceId);
    }
    if (event.kind === 'published') {
      const { kind = '', fleet, instanceId } = event.attributes;
      if (fleet !== undefined && kind !== 'rollout-started') toldOf.add(fleet);
      if (instanceId !== undefined && kind === 'forced') forced.add(instanceId);
    }
    if (event.kind === 'task' && event.cut) cut.set(event.instanceId, (cut.get(event.instanceId) ?? 0) + 1);
    if (event.kind !== 'instance-terminated') return;
    const { instanceId: id, cause } = event;
    if (cause === 'spot fleet' && cut.has(id) && !forced.has(id))
      violate('cut-by-fleet', id, `${cut.get(id)} tasks were cut off when its fleet ended`);
  });

  /** The images that run now, of groups and of fleets with their copies, by architecture. */
  const imagesOf = (name: string): Map<string, Set<string>> => {
    const groups = autoScaling.operations.DescribeAutoScalingGroups({ AutoScalingGroupNames: [name] });
    const inGroup = groups.AutoScalingGroups.flatMap(({ Instances }) => Instances ?? [])
      .filter(({ LifecycleState }) => LifecycleState === 'InService')
      .map(({ InstanceId = '' }) => autoScaling.imageOf(InstanceId)?.id ?? '');
    const inFleets = [...spotFleets.fleets.values()]
      .filter((fleet) => fleet.name === name)
      .flatMap(membersOf)
      .map((id) => spotFleets.instance(id)?.launched.image.id ?? '');
    const images = new Map<string, Set<string>>();
    for (const image of [...inGroup, ...inFleets]) {
      const architecture = amis.get(image)?.architecture ?? '';
      images.set(architecture, (images.get(architecture) ?? new Set()).add(image));
    }
    return images;
  };

  return (executions) => {
    judgeProof(executions);
    for (const name of touched) {
      const isMixed = [...imagesOf(name).values()].some(({ size }) => size > 1);
      const ids = [...spotFleets.fleets.values()].filter((fleet) => fleet.name === name).map(({ id }) => id);
      const isTold = toldOf.has(`group/${name}`) || ids.some((id) => toldOf.has(`spot-fleet/${id}`));
      if (isMixed && !isTold)
        violate('mixture-untold', undefined, `${name} is left with several images, and nobody was told`);
    }
    for (const { name, status, input } of executions) {
      const { kind } = JSON.parse(input);
      if (status === 'RUNNING' && (kind === 'release' || kind === 'fleet'))
        violate('rollout-unfinished', undefined, `the run ended before ${name} did`);
    }
  };
}
