import type { Failure } from '../ports.ts';
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
  const { templates, parameters, now } = ports;
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
      const name = ports.verifiedParameter(request.source);
      const written = name === undefined ? undefined : await parameters.writeParameter(name, move.imageId);
      return { kind: 'promote', atMs: now(), ...(written?.ok === false ? { failure: written } : {}) };
    }
    case 'alert': {
      const told = await ports.tell(move.alert);
      return { kind: 'alert', atMs: now(), alert: move.alert.key, ...(told.ok ? {} : { failure: told }) };
    }
  }
}
