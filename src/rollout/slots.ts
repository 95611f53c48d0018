import { familyOfImage } from './family.ts';
import type { Slot } from './fleet.ts';
import type {
  ImageSeen,
  ImagesPort,
  LaunchSeen,
  ParametersPort,
  TemplateByName,
  TemplateRef,
  TemplatesPort,
  TemplateVersionSeen,
} from './ports.ts';
import { read } from './reading.ts';

export interface SlotPorts {
  readonly templates: TemplatesPort;
  readonly parameters: ParametersPort;
  readonly images: ImagesPort;
}

type RawSlot = Omit<Slot, 'family' | 'version' | 'architecture'>;

function withFamily(slot: RawSlot, images: ReadonlyMap<string, ImageSeen>): Slot {
  const image = images.get(slot.imageId);
  const known = image?.byAmazon ? familyOfImage(image.name) : undefined;
  return { ...slot, family: known?.family.id, version: known?.version, architecture: image?.architecture };
}

/** A place that names an image, as it was found: a template's version, or an image itself. */
interface Ref {
  readonly at: Slot['at'];
  readonly template?: TemplateRef | TemplateByName;
  readonly imageId?: string;
}

/** Where a group takes its images from: the base, and the overrides that have a template or an image of their own. */
export function refsOfGroup(launch: LaunchSeen): readonly Ref[] {
  if (launch.kind !== 'template' && launch.kind !== 'mixed') return [];
  const overrides = launch.kind === 'mixed' ? launch.overrides : [];
  return [{ at: 'base', template: launch.template }, ...overrides];
}

/** The slots of each list of places, in their order; what several of them have in common is asked for once. */
export async function slotsOf(
  lists: readonly (readonly Ref[])[],
  instanceImages: readonly string[],
  { templates, parameters, images }: SlotPorts,
): Promise<Slot[][]> {
  const seen = new Map<string, TemplateVersionSeen | undefined>();
  const describe = async (ref: TemplateRef | TemplateByName) => {
    const key = JSON.stringify(ref);
    if (!seen.has(key)) seen.set(key, read(await templates.describeTemplate(ref)));
    return seen.get(key);
  };
  const slotOf = async (at: Slot['at'], ref: TemplateRef | TemplateByName): Promise<RawSlot[]> => {
    const version = await describe(ref);
    if (version?.image === undefined) return [];
    // From here on by its id, also where the fleet has it by name.
    const template = {
      id: version.templateId,
      number: version.number,
      asked: ref.version,
      ...(version.byRequirements ? { byRequirements: true as const } : {}),
    };
    const parameter = /^resolve:ssm:([^:]+)/.exec(version.image)?.[1];
    if (parameter === undefined) return [{ at, template, written: 'image', imageId: version.image }];
    const [value] = read(await parameters.readParameters([parameter]));
    return value === undefined ? [] : [{ at, template, written: 'parameter', imageId: value.value }];
  };
  const raw: RawSlot[][] = [];
  for (const refs of lists) {
    const slots: RawSlot[] = [];
    for (const { at, template, imageId } of refs) {
      if (imageId !== undefined) slots.push({ at, written: 'override', imageId });
      else if (template !== undefined) slots.push(...(await slotOf(at, template)));
    }
    raw.push(slots);
  }
  const ids = new Set([...raw.flat().map(({ imageId }) => imageId), ...instanceImages]);
  const known = new Map(read(await images.describeImages([...ids])).map((image) => [image.id, image]));
  return raw.map((slots) => slots.map((slot) => withFamily(slot, known)));
}
