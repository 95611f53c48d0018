import type { ClockPort, Failure, Result } from '../ports.ts';
import { FAMILIES, familyById, familyOfImage, parametersOf, recommendedOf } from './family.ts';
import type { FleetFacts, Slot, Target } from './fleet.ts';
import type {
  ClustersPort,
  GroupSeen,
  GroupsPort,
  ImageSeen,
  ImagesPort,
  ParameterSeen,
  ParametersPort,
  RefreshStatus,
  SteadySeen,
  TemplateRef,
  TemplatesPort,
} from './ports.ts';
import { readTags } from './tags.ts';

/** What looking at fleets takes. */
export interface SurveyPorts {
  readonly parameters: ParametersPort;
  readonly images: ImagesPort;
  readonly groups: GroupsPort;
  readonly templates: TemplatesPort;
  readonly clusters: ClustersPort;
  readonly now: ClockPort;
  /** Our terminate hooks notify it. */
  readonly lifecycleTopicArn: string;
}

const MANAGED_HOOK = 'ecs-managed-draining-termination-hook';
const UNDER_WAY: ReadonlySet<RefreshStatus> = new Set([
  'Pending',
  'InProgress',
  'Cancelling',
  'RollbackInProgress',
  'Baking',
]);
/** Instances by which a fleet's clusters are found; a fleet spans one or two. */
const MOST_ASKED_FOR_CLUSTER = 10;
const MOST_NAMED = 5;
const MOST_IMAGES = 10;

/** Half an answer proves nothing: the first failed read ends the look, and is its answer. */
class ReadFailed extends Error {
  override readonly name = 'ReadFailed';
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

export async function reading<T>(look: () => Promise<T>): Promise<Result<T>> {
  try {
    return { ok: true, value: await look() };
  } catch (error) {
    if (error instanceof ReadFailed) return error.failure;
    throw error;
  }
}

export function read<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new ReadFailed(result);
}

/**
 * The image that a source names now: from the parameter store, and as EC2 knows it. A message never gets this far.
 * @returns why not, where it names none that may be rolled out.
 */
export async function readTarget(
  source: string,
  ports: Pick<SurveyPorts, 'parameters' | 'images'>,
): Promise<Target | { readonly because: string }> {
  const family = source.startsWith('/') ? undefined : familyById(source);
  if (family === undefined && !source.startsWith('/')) return { because: `there is no family ${source}` };
  const names = family ? parametersOf(family) : [source];
  const parameters = read(await ports.parameters.readParameters(names));
  const named = family ? recommendedOf(family, parameters) : followed(parameters[0]);
  if (named.kind === 'absent') return { because: `there is no parameter ${names[0]} in this region` };
  if (named.kind === 'mistake') return { because: named.because };

  const { imageId } = named.image;
  const [image] = read(await ports.images.describeImages([imageId]));
  const wrong = whyNot(image, family?.id);
  if (image === undefined || wrong !== undefined) return { because: `${imageId}: ${wrong}` };
  const known = familyOfImage(image.name);
  return {
    source,
    family: image.byAmazon ? known?.family.id : undefined,
    version: known?.version ?? imageId,
    imageId,
    architecture: image.architecture,
    releasedAtMs: Math.max(...parameters.map(({ changedAtMs }) => changedAtMs)),
    ...('agentVersion' in named.image && named.image.agentVersion ? { agentVersion: named.image.agentVersion } : {}),
    ...('runtimeVersion' in named.image && named.image.runtimeVersion
      ? { runtimeVersion: named.image.runtimeVersion }
      : {}),
  };
}

function whyNot(image: ImageSeen | undefined, family: string | undefined): string | undefined {
  if (image === undefined) return 'there is no such image in this region';
  if (!image.available) return 'the image is not available';
  if (family === undefined) return undefined;
  if (!image.byAmazon) return 'the image does not belong to Amazon';
  return familyOfImage(image.name)?.family.id === family ? undefined : `its name, ${image.name}, is not of ${family}`;
}

/** A user's parameter holds an image's id, plain or as `image_id` of a document like AWS's. */
function followed(
  parameter: ParameterSeen | undefined,
): { kind: 'recommended'; image: { imageId: string } } | { kind: 'absent' } | { kind: 'mistake'; because: string } {
  if (parameter === undefined) return { kind: 'absent' };
  const imageId = /^(?:\{.*"image_id"\s*:\s*")?(ami-[0-9a-f]{8,17})(?:".*\})?$/s.exec(parameter.value.trim())?.[1];
  if (imageId === undefined) return { kind: 'mistake', because: `${parameter.name} holds no image's id` };
  return { kind: 'recommended', image: { imageId } };
}

/** What the groups are like. What several of them have in common is asked for once. */
export async function factsOf(groups: readonly GroupSeen[], ports: SurveyPorts): Promise<FleetFacts[]> {
  const { slots } = await slotsOf(groups, ports);
  const services = new Map<string, readonly SteadySeen[]>();
  const facts: FleetFacts[] = [];
  for (const group of groups) facts.push(await factsOfGroup(group, slots.get(group.name) ?? [], services, ports));
  return facts;
}

/** The groups' slots by name of the group, and the images of these and of the instances by id, deprecated ones too. */
export async function slotsOf(
  groups: readonly GroupSeen[],
  ports: Pick<SurveyPorts, 'templates' | 'parameters' | 'images'>,
): Promise<{ readonly slots: ReadonlyMap<string, readonly Slot[]>; readonly images: ReadonlyMap<string, ImageSeen> }> {
  const raw = await rawSlots(groups, ports);
  const ids = new Set([...[...raw.values()].flat().map(({ imageId }) => imageId), ...groups.flatMap(imageIdsOf)]);
  const images = new Map(read(await ports.images.describeImages([...ids])).map((image) => [image.id, image]));
  const slots = new Map([...raw].map(([name, found]) => [name, found.map((slot) => withFamily(slot, images))]));
  return { slots, images };
}

function imageIdsOf({ instances }: GroupSeen): string[] {
  return instances.flatMap(({ imageId }) => imageId ?? []);
}

async function factsOfGroup(
  group: GroupSeen,
  slots: readonly Slot[],
  known: Map<string, readonly SteadySeen[]>,
  { groups, clusters, lifecycleTopicArn }: SurveyPorts,
): Promise<FleetFacts> {
  const hooks = read(await groups.terminateHooks(group.name));
  const [latest] = read(await groups.refreshes(group.name));
  const asked = group.instances.slice(0, MOST_ASKED_FOR_CLUSTER).map(({ id }) => id);
  const where = asked.length === 0 ? [] : read(await clusters.clustersOf(asked));
  for (const cluster of where) {
    if (!known.has(cluster)) known.set(cluster, read(await clusters.services(cluster)));
  }
  const services = where.flatMap((cluster) => known.get(cluster) ?? []);
  return {
    id: `group/${group.name}`,
    policy: readTags(group.tags) ?? { mistakes: ['it has not opted in'] },
    launch: group.launch.kind,
    slots,
    images: countImages(group),
    desired: group.desired,
    drainedBy: hooks.some(({ targetArn }) => targetArn === lifecycleTopicArn)
      ? 'hook'
      : hooks.some(({ name }) => name === MANAGED_HOOK)
        ? 'managed-draining'
        : 'none',
    refreshing: latest !== undefined && UNDER_WAY.has(latest.status),
    suspended: group.suspended,
    protectedFromScaleIn: group.instances.filter((instance) => instance.protectedFromScaleIn).length,
    warm: group.warm,
    clusters: where,
    unsteady: named(services.filter(isUnsteady)),
    immovable: named(
      services.filter((service) => service.minimumHealthyPercent >= 100 && service.maximumPercent <= 100),
    ),
    bound: [],
  };
}

export function isUnsteady({ desired, running, pending, deployments }: SteadySeen): boolean {
  return running < desired || pending > 0 || deployments > 1;
}

function named(services: readonly SteadySeen[]): string[] {
  return services.slice(0, MOST_NAMED).map(({ service }) => service);
}

function countImages(group: GroupSeen): Record<string, number> {
  const counts = new Map<string, number>();
  for (const { imageId = 'unknown' } of group.instances) {
    const key = counts.has(imageId) || counts.size < MOST_IMAGES ? imageId : 'other';
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

type RawSlot = Omit<Slot, 'family' | 'version' | 'architecture'>;

function withFamily(slot: RawSlot, images: ReadonlyMap<string, ImageSeen>): Slot {
  const image = images.get(slot.imageId);
  const known = image?.byAmazon ? familyOfImage(image.name) : undefined;
  return { ...slot, family: known?.family.id, version: known?.version, architecture: image?.architecture };
}

/** Every place in the groups' launch settings that names an image, by group. */
async function rawSlots(
  groups: readonly GroupSeen[],
  { templates, parameters }: Pick<SurveyPorts, 'templates' | 'parameters'>,
): Promise<Map<string, RawSlot[]>> {
  const seen = new Map<string, { readonly number: number; readonly image: string } | undefined>();
  const describe = async (ref: TemplateRef) => {
    const key = `${ref.templateId} ${ref.version}`;
    if (!seen.has(key)) {
      const version = read(await templates.describeTemplate(ref));
      seen.set(key, version?.image === undefined ? undefined : { number: version.number, image: version.image });
    }
    return seen.get(key);
  };
  const slotOf = async (at: Slot['at'], ref: TemplateRef): Promise<RawSlot[]> => {
    const version = await describe(ref);
    if (version === undefined) return [];
    const template = { id: ref.templateId, number: version.number, asked: ref.version };
    const parameter = /^resolve:ssm:([^:]+)/.exec(version.image)?.[1];
    if (parameter === undefined) return [{ at, template, written: 'image', imageId: version.image }];
    const [value] = read(await parameters.readParameters([parameter]));
    return value === undefined ? [] : [{ at, template, written: 'parameter', imageId: value.value }];
  };
  const found = new Map<string, RawSlot[]>();
  for (const { name, launch } of groups) {
    if (launch.kind !== 'template' && launch.kind !== 'mixed') continue;
    const slots = await slotOf('base', launch.template);
    for (const { at, template, imageId } of launch.kind === 'mixed' ? launch.overrides : []) {
      if (imageId !== undefined) slots.push({ at, written: 'override', imageId });
      else if (template !== undefined) slots.push(...(await slotOf(at, template)));
    }
    found.set(name, slots);
  }
  return found;
}

/** The families whose images are in use, for a report: which fleet runs what, and how far behind it is. */
export function familiesOf(facts: readonly FleetFacts[]): string[] {
  const used = new Set(facts.flatMap(({ slots }) => slots.flatMap(({ family }) => family ?? [])));
  return FAMILIES.map(({ id }) => id).filter((id) => used.has(id));
}
