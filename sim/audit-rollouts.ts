import type { Ami, Amis } from './amis.ts';
import type { Violate } from './audit.ts';
import { watchAtWork } from './audit-at-work.ts';
import type { Instances } from './audit-instances.ts';
import { watchMinimum } from './audit-minimum.ts';
import { watchOneRollout } from './audit-one-rollout.ts';
import { watchProof } from './audit-proof.ts';
import { watchStarts } from './audit-starts.ts';
import { watchWords } from './audit-words.ts';
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
  readonly spotFleets: Pick<SpotFleets, 'fleets' | 'instance' | 'imageOf'>;
  readonly templates: Pick<Templates, 'nameOf'>;
  /** The text of a parameter. */
  readonly parameter: (name: string) => string | undefined;
  readonly executions: () => readonly ExecutionRecord[];
}

type Call = Pick<Extract<WorldEvent, { kind: 'call' }>, 'operation' | 'error' | 'by'> & {
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
  /** Copies of Spot Fleets that were seen being made. */
  const known = new Set<string>();
  /** By fleet and by group, whether people heard of it by another alert than that it began. */
  const toldOf = new Set<string>();
  /** Instances whose people heard that their tasks are cut off. */
  const forced = new Set<string>();
  const active = new Set<string>();
  const cut = new Map<string, number>();
  /** The targets that we have set, of what we cancelled none: what goes at another one was taken by somebody else. */
  const targets = new Map<string, number>();
  watchMinimum(world, scenario, { there, violate });
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
  /** Instances of the group, or of the fleets with their copies, that are in service. */
  const inService = (name: string): string[] => {
    const groups = autoScaling.operations.DescribeAutoScalingGroups({ AutoScalingGroupNames: [name] });
    const inGroup = groups.AutoScalingGroups.flatMap(({ Instances = [] }) => Instances)
      .filter(({ LifecycleState }) => LifecycleState === 'InService')
      .map(({ InstanceId = '' }) => InstanceId);
    const inFleets = [...spotFleets.fleets.values()]
      .filter((fleet) => fleet.name === name && fleet.state !== 'cancelled_terminating')
      .flatMap(membersOf);
    return [...inGroup, ...inFleets];
  };
  const imagesOf = (name: string): (Ami | undefined)[] =>
    inService(name).map((id) => amis.get((autoScaling.imageOf(id) ?? spotFleets.imageOf(id))?.id ?? ''));

  const words = watchWords(world, there);
  const starts = watchStarts(world, scenario, { there, words, imagesOf, violate });
  const atWork = watchAtWork(world, { there, membersOf: inService, violate });

  const tagsOf = (name: string): Readonly<Record<string, string>> =>
    scenario.clusters.find(({ group }) => group === name)?.tags ??
    scenario.spotFleets.find((fleet) => fleet.name === name)?.tags ??
    {};

  /** Whose tag does not ask for it, or waits for a word that nobody has given, is left as it is. */
  const judgeTouch = (name: string, { operation, by }: Pick<Call, 'operation' | 'by'>): void => {
    touched.add(name);
    const { [MODE]: mode = 'none', [TEMPLATE]: template } = tagsOf(name);
    const { isApproved } = words.wordOf(words.orderOf(by)?.release);
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

  const begin = (name: string, call: Call): void => {
    judgeTouch(name, call);
    starts.judge(name, call.operation, call.by);
    atWork.begun(call.by, name);
  };

  const judgeLeaving = (fleet: SpotFleet, { operation, by }: Call): void => {
    if (atWork.judgeLeaving(fleet, operation, by)) starts.judgePause(fleet.name, operation, by);
  };

  const onFleetCall = (call: Call): void => {
    const { operation, input, by } = call;
    if (operation === 'RequestSpotFleet') {
      const [newest] = [...spotFleets.fleets.values()].slice(-1);
      // Asked for once more with the same token, it is the same fleet.
      if (newest === undefined || known.has(newest.id)) return;
      known.add(newest.id);
      begin(newest.name, call);
      atWork.copied(by, newest);
      const alike = [...spotFleets.fleets.values()].filter(
        ({ name, state }) => name === newest.name && !state.startsWith('cancelled'),
      );
      const [, ...copies] = alike;
      if (copies.length > 1) world.clock.after(NOTICE_SECONDS * 1000, () => judgeCopies(newest.name, copies));
    }
    if (operation === 'ModifySpotFleetRequest') {
      const fleet = fleetNamed(input['SpotFleetRequestId'] as string);
      if (fleet === undefined) return;
      judgeTouch(fleet.name, call);
      targets.set(fleet.id, fleet.target);
      instances.fleetLeaves(membersOf(fleet), fleet.target === 0);
      if (fleet.target === 0) judgeLeaving(fleet, call);
    }
    if (operation === 'CancelSpotFleetRequests') {
      for (const id of (input['SpotFleetRequestIds'] as string[] | undefined) ?? []) {
        const fleet = fleetNamed(id);
        if (fleet === undefined) continue;
        targets.set(fleet.id, 0);
        judgeTouch(fleet.name, call);
        // The role may cancel only what has the tag just then (stack/rollout-role.yml).
        const mode = fleet.tags.find(({ Key }) => Key === MODE)?.Value;
        if (mode !== 'auto' && mode !== 'approve')
          violate(
            'touched-unasked',
            undefined,
            `${fleet.id} was cancelled, whose tag says ${mode ?? 'nothing'} by now`,
          );
        judgeLeaving(fleet, call);
        if (input['TerminateInstances'] === true) judgeCancel(fleet);
      }
    }
  };

  const onCall = (call: Call): void => {
    if (call.error !== undefined) return;
    const { operation, input, by } = call;
    if (operation === 'StartInstanceRefresh') begin(input['AutoScalingGroupName'] as string, call);
    if (/^(Cancel|Rollback)InstanceRefresh$/.test(operation)) judgeTouch(input['AutoScalingGroupName'] as string, call);
    if (operation === 'CreateLaunchTemplateVersion') judgeTouch(groupOf(input['LaunchTemplateId'] as string), call);
    if (operation === 'PutParameter') atWork.judgePromotion(input, by);
    onFleetCall(call);
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
    const fleet = spotFleets.instance(id)?.fleet;
    const isOurs = fleet !== undefined && targets.get(fleet.id) === fleet.target;
    if (cause === 'spot fleet' && isOurs && cut.has(id) && !forced.has(id))
      violate('cut-by-fleet', id, `${cut.get(id)} tasks were cut off when its fleet ended`);
  });

  /** Whether several images of one architecture run now. */
  const isMixed = (name: string): boolean => {
    const images = new Map<string, Set<string>>();
    for (const image of imagesOf(name)) {
      const architecture = image?.architecture ?? '';
      images.set(architecture, (images.get(architecture) ?? new Set()).add(image?.id ?? ''));
    }
    return [...images.values()].some(({ size }) => size > 1);
  };

  return (executions) => {
    judgeProof(executions);
    for (const name of touched) {
      const ids = [...spotFleets.fleets.values()].filter((fleet) => fleet.name === name).map(({ id }) => id);
      const isTold = toldOf.has(`group/${name}`) || ids.some((id) => toldOf.has(`spot-fleet/${id}`));
      if (isMixed(name) && !isTold)
        violate('mixture-untold', undefined, `${name} is left with several images, and nobody was told`);
    }
    for (const { name, status, input } of executions) {
      const { kind } = JSON.parse(input);
      if (status === 'RUNNING' && (kind === 'release' || kind === 'fleet'))
        violate('rollout-unfinished', undefined, `the run ended before ${name} did`);
    }
  };
}
