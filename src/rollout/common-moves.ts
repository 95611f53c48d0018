import type { Failure } from '../ports.ts';
import { familyOfImage, newer } from './family.ts';
import type { FleetMove } from './fleet-moves.ts';
import { heldBack } from './held.ts';
import type { FleetRequest } from './request.ts';
import { executionName } from './request.ts';
import type { RolloutPorts } from './rollout.ts';

/** What the courses of a group and of a Spot Fleet do alike. */
export type CommonMove = Extract<FleetMove, { kind: 'make-version' | 'promote' | 'alert' }>;

type CommonSeen = { readonly atMs: number; readonly failure?: Failure } & (
  | { readonly kind: 'make-version'; readonly number?: number; readonly warnings?: readonly string[] }
  | { readonly kind: 'promote' }
  | { readonly kind: 'alert'; readonly alert: string }
);

export async function performCommon(move: CommonMove, request: FleetRequest, ports: RolloutPorts): Promise<CommonSeen> {
  const { templates, now } = ports;
  switch (move.kind) {
    case 'make-version': {
      const held = await heldBack(request, ports);
      if (held) return { kind: 'make-version', atMs: now(), failure: held };
      // The same after a crash: AWS then answers with the version that it has made.
      const token = `${executionName(request)}-${move.source.templateId}-${move.source.number}`.slice(0, 128);
      const made = await templates.createVersion(move.source, move.imageId, token, move.description);
      return { kind: 'make-version', atMs: now(), ...(made.ok ? made.value : { failure: made }) };
    }
    case 'promote': {
      const failure = await promote(move.imageId, request, ports);
      return { kind: 'promote', atMs: now(), ...(failure && { failure }) };
    }
    case 'alert': {
      const told = await ports.tell(move.alert);
      return { kind: 'alert', atMs: now(), alert: move.alert.key, ...(told.ok ? {} : { failure: told }) };
    }
  }
}

/**
 * Writes down what is verified, for others to follow: never over a newer image of the family, which another fleet has
 * verified meanwhile, and not again what is there, for its age counts from when it was written.
 */
async function promote(
  imageId: string,
  { source, version }: FleetRequest,
  { parameters, images, verifiedParameter }: RolloutPorts,
): Promise<Failure | undefined> {
  const name = verifiedParameter(source);
  if (name === undefined) return undefined;
  const found = await parameters.readParameters([name]);
  if (!found.ok) return found;
  const before = found.value[0]?.value;
  if (before === imageId) return undefined;
  const seen = before === undefined ? undefined : await images.describeImages([before]);
  if (seen?.ok === false) return seen;
  const known = familyOfImage(seen?.value[0]?.name ?? '');
  if (known?.family.id === source && newer(known.version, version)) return undefined;
  const written = await parameters.writeParameter(name, imageId);
  return written.ok ? undefined : written;
}
