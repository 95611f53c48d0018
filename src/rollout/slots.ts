import { familyOfImage } from './family.ts';
import type { ImageName, Slot } from './fleet.ts';
import type {
  ImageSeen,
  ImagesPort,
  LaunchSeen,
  ParameterSeen,
  ParametersPort,
  TemplateByName,
  TemplateRef,
  TemplatesPort,
} from './ports.ts';
import { read } from './reading.ts';

export interface SlotPorts {
  readonly templates: TemplatesPort;
  readonly parameters: ParametersPort;
  readonly images: ImagesPort;
}

type RawSlot = Omit<Slot, 'family' | 'version' | 'architecture' | 'kernel'>;

/** What an image is by its name, where it is one of AWS's ECS images. */
export function nameOf(image: ImageSeen | undefined): ImageName | undefined {
  const known = image?.byAmazon ? familyOfImage(image.name) : undefined;
  if (known === undefined) return undefined;
  const { family, version, kernel } = known;
  return { family: family.id, version, ...(kernel === undefined ? {} : { kernel }) };
}

function withName(slot: RawSlot, images: ReadonlyMap<string, ImageSeen>): Slot {
  const image = images.get(slot.imageId);
  return { ...slot, family: undefined, version: undefined, architecture: image?.architecture, ...nameOf(image) };
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
  const own = overrides.filter(({ template, imageId }) => template !== undefined || imageId !== undefined);
  return [{ at: 'base', template: launch.template }, ...own];
}

/** Where one fleet launches from: what could be read of it, and why the rest could not. */
export interface Places {
  readonly slots: readonly Slot[];
  readonly unread: readonly string[];
}

const MOST_UNREAD = 3;
const IMAGE_ID = /^ami-[0-9a-f]{8,17}$/;

/** The slots of each list of places, in their order. */
export async function slotsOf(
  lists: readonly (readonly Ref[])[],
  instanceImages: readonly string[],
  ports: SlotPorts,
): Promise<(readonly Slot[])[]> {
  return (await placesOf(lists, instanceImages, ports)).places.map(({ slots }) => slots);
}

/**
 * What each list of places names, in their order, and all images that were looked at: those of instances as well. What
 * several of them have in common is asked for once.
 */
export async function placesOf(
  lists: readonly (readonly Ref[])[],
  instanceImages: readonly string[],
  ports: SlotPorts,
): Promise<{ readonly places: readonly Places[]; readonly images: ReadonlyMap<string, ImageSeen> }> {
  const readRef = refReader(ports);
  const raw: { slots: RawSlot[]; unread: string[] }[] = [];
  for (const refs of lists) {
    const slots: RawSlot[] = [];
    const unread = new Set<string>();
    for (const ref of refs) {
      const slot = await readRef(ref);
      if (typeof slot === 'string') unread.add(slot);
      else slots.push(slot);
    }
    raw.push({ slots, unread: [...unread].slice(0, MOST_UNREAD) });
  }
  const ids = new Set([...raw.flatMap(({ slots }) => slots.map(({ imageId }) => imageId)), ...instanceImages]);
  const images = new Map(read(await ports.images.describeImages([...ids])).map((image) => [image.id, image]));
  const places = raw.map(({ slots, unread }) => ({ slots: slots.map((slot) => withName(slot, images)), unread }));
  return { places, images };
}

/** Reads one place after the other: the slot, or why it is none. */
function refReader({ templates, parameters }: SlotPorts): (ref: Ref) => Promise<RawSlot | string> {
  const version = once(
    (ref: TemplateRef | TemplateByName) => JSON.stringify(ref),
    async (ref) => read(await templates.describeTemplate(ref)),
  );
  const parameter = once(
    (name: string) => name,
    async (name): Promise<readonly ParameterSeen[]> => {
      const answer = await parameters.readParameters([name]);
      // One that we may not read, of another account for one, must not hold up the look at all the others.
      if (!answer.ok && answer.reason !== 'denied' && answer.reason !== 'gone') return read(answer);
      return answer.ok ? answer.value : [];
    },
  );
  return async ({ at, template: ref, imageId }) => {
    if (imageId !== undefined) return { at, written: 'override', imageId };
    const place = at === 'base' ? 'its base' : `place ${at + 1} of what it launches from`;
    if (ref === undefined) return `${place} names neither an image nor a launch template`;
    const found = await version(ref);
    const called = 'templateId' in ref ? ref.templateId : ref.templateName;
    if (found === undefined) return `launch template ${called} has no version ${ref.version}`;
    const { number, image, byRequirements } = found;
    // From here on by its id, also where the fleet has it by name.
    const template = {
      id: found.templateId,
      number,
      asked: ref.version,
      ...(byRequirements ? { byRequirements: true as const } : {}),
    };
    const words = `version ${number} of launch template ${called}`;
    if (image === undefined) return `${words} names no image`;
    if (!image.startsWith(RESOLVE)) return { at, template, written: 'image', imageId: image };
    // A name, with a version or a label behind a colon, or an ARN: GetParameters takes what RunInstances does.
    const name = image.slice(RESOLVE.length);
    const [value] = await parameter(name);
    if (value === undefined) return `${words} resolves the parameter ${name}, which cannot be read here`;
    if (!IMAGE_ID.test(value.value)) return `${words} resolves the parameter ${name}, which holds no image's id`;
    return { at, template, written: 'parameter', imageId: value.value };
  };
}

const RESOLVE = 'resolve:ssm:';

/** Asks once for each key. */
function once<A, T>(keyOf: (about: A) => string, ask: (about: A) => Promise<T>): (about: A) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (about) => {
    const key = keyOf(about);
    const asked = known.get(key) ?? ask(about);
    known.set(key, asked);
    return asked;
  };
}
