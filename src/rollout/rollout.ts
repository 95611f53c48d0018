import { follow } from '../loop.ts';
import type { DurablePort, Failure, Result } from '../ports.ts';
import type { DrainRules } from './checks.ts';
import { rest } from './course.ts';
import type { ReleaseMove } from './decide.ts';
import { decide } from './decide.ts';
import type { ReleaseResult } from './ending.ts';
import type { FleetFacts, Target } from './fleet.ts';
import { decideFleet } from './fleet-decide.ts';
import { beginFleet, rememberFleet } from './fleet-memory.ts';
import type { FleetMove } from './fleet-moves.ts';
import { performFleet } from './fleet-rollout.ts';
import type { ReleaseMemory, ReleaseSeen, Resolved, Survey } from './memory.ts';
import { begin, remember } from './memory.ts';
import { fleetsOptedIn } from './opted-in.ts';
import type { ClaimsPort, DrainsPort, ParametersPort, RolloutExecutionsPort } from './ports.ts';
import { reading } from './reading.ts';
import { readRecord } from './record.ts';
import type { FleetRequest, FleetResult, ReleaseRequest, RolloutRequest } from './request.ts';
import { executionName } from './request.ts';
import { decideSpot } from './spot-decide.ts';
import type { SpotMemory } from './spot-memory.ts';
import { beginSpot, rememberSpot } from './spot-memory.ts';
import type { SpotMove } from './spot-moves.ts';
import { performSpot } from './spot-rollout.ts';
import type { SurveyPorts } from './survey.ts';
import { namedBy, readTarget } from './target.ts';
import type { RolloutAlert } from './telling.ts';

export interface RolloutPorts extends SurveyPorts {
  readonly parameters: ParametersPort & ClaimsPort;
  readonly executions: RolloutExecutionsPort;
  readonly drains: DrainsPort;
  tell(alert: RolloutAlert): Promise<Result<undefined>>;
  /** How drains of this group or Spot Fleet go now, by stack and switch. */
  drainRules(fleet: string): Promise<Result<DrainRules>>;
  /** The record in which people approve, pause or cancel the rollout of a release. */
  controlParameter(release: string): string;
  /** In which a rollout claims a fleet for itself. */
  claimParameter(fleet: string): string;
  /** Where a verified image is written, for others to follow; undefined for what is no family. */
  verifiedParameter(source: string): string | undefined;
}

/** Rolls one release out, fleet by fleet, or one fleet. One durable execution each. */
export function rollOut(
  request: RolloutRequest,
  ports: RolloutPorts,
  durable: DurablePort,
): Promise<ReleaseResult | FleetResult> {
  return request.kind === 'release' ? rollRelease(request, ports, durable) : rollFleet(request, ports, durable);
}

function rollRelease(request: ReleaseRequest, ports: RolloutPorts, durable: DurablePort): Promise<ReleaseResult> {
  const carryOut = (move: ReleaseMove, memory: ReleaseMemory) => perform(move, memory, ports);
  return follow({ decide, carryOut, remember, rest }, begin(request), durable);
}

function rollFleet(request: FleetRequest, ports: RolloutPorts, durable: DurablePort): Promise<FleetResult> {
  if (request.fleet.startsWith('spot-fleet/')) {
    const carryOut = (move: SpotMove, { look }: SpotMemory) => performSpot(move, look, request, ports);
    return follow({ decide: decideSpot, carryOut, remember: rememberSpot, rest }, beginSpot(request), durable);
  }
  const carryOut = (move: FleetMove) => performFleet(move, request, ports);
  return follow({ decide: decideFleet, carryOut, remember: rememberFleet, rest }, beginFleet(request), durable);
}

async function perform(move: ReleaseMove, memory: ReleaseMemory, ports: RolloutPorts): Promise<ReleaseSeen> {
  const { request } = memory;
  const { now } = ports;
  switch (move.kind) {
    case 'survey': {
      const survey = await reading(() => surveyOf(request, ports));
      return { kind: 'survey', atMs: now(), ...(survey.ok ? { survey: survey.value } : { failure: survey }) };
    }
    case 'resolve': {
      const target = await reading(() => readTarget(request.source, ports));
      if (!target.ok) return { kind: 'resolve', atMs: now(), failure: target };
      return { kind: 'resolve', atMs: now(), resolved: resolvedOf(target.value) };
    }
    case 'hand-over': {
      const started = await ports.executions.start(executionName(move.request), move.request);
      return { kind: 'hand-over', atMs: now(), ...(started.ok ? {} : { failure: started }) };
    }
    case 'start-fleet': {
      const started = await ports.executions.run(executionName(move.request), move.request);
      return { kind: 'start-fleet', atMs: now(), ...(started.ok ? {} : { failure: started }) };
    }
    case 'look':
      return look(request, move.requests, ports);
    case 'alert': {
      const told = await ports.tell(move.alert);
      return { kind: 'alert', atMs: now(), alert: move.alert.key, ...(told.ok ? {} : { failure: told }) };
    }
  }
}

function resolvedOf(target: Target | { readonly because: string }): Resolved {
  return 'because' in target ? target : { version: target.version, releasedAtMs: target.releasedAtMs };
}

async function surveyOf(request: ReleaseRequest, ports: RolloutPorts): Promise<Survey> {
  const target = await readTarget(request.source, ports);
  if ('because' in target) return { atMs: ports.now(), because: target.because, fleets: [], leftOut: 0 };
  const { fleets, leftOut } = await fleetsOptedIn(ports, request.fleets);
  return { atMs: ports.now(), target, fleets, leftOut, drains: await drainsOf(fleets, ports) };
}

/** What cannot be read is left out: it is read again before anything begins. */
async function drainsOf(
  fleets: readonly FleetFacts[],
  { drainRules }: RolloutPorts,
): Promise<Readonly<Record<string, DrainRules>>> {
  const known: Record<string, DrainRules> = {};
  for (const { id } of fleets) {
    const rules = await drainRules(id.slice(id.indexOf('/') + 1));
    if (rules.ok) known[id] = rules.value;
  }
  return known;
}

/**
 * What cannot be read is asked for again; the other answers count. What the source names is asked for while nothing runs:
 * what has begun is brought to its end, whatever is newer.
 */
async function look(
  release: ReleaseRequest,
  requests: readonly FleetRequest[],
  ports: RolloutPorts,
): Promise<ReleaseSeen> {
  const record = await readRecord(executionName(release), ports);
  let failure: Failure | undefined = record.ok ? undefined : record;
  const ended: FleetResult[] = [];
  for (const request of requests) {
    const seen = await ports.executions.run(executionName(request), request);
    if (!seen.ok) failure ??= seen;
    else if (seen.value.status !== 'RUNNING') ended.push(endOf(request, seen.value));
  }
  const said = record.ok ? record.value : {};
  const named = requests.length > 0 ? undefined : await reading(() => namedBy(release.source, ports.parameters));
  if (named?.ok === false) failure ??= named;
  const imageId = named?.ok && 'imageId' in named.value ? { imageId: named.value.imageId } : {};
  return { kind: 'look', atMs: ports.now(), ...said, ended, ...imageId, ...(failure && { failure }) };
}

function endOf({ fleet }: FleetRequest, { status, result }: { status: string; result?: string }): FleetResult {
  if (status === 'SUCCEEDED' && result !== undefined) return JSON.parse(result) as FleetResult;
  return { fleet, outcome: 'failed', because: `its execution ended as ${status}, without a result`, isUntold: true };
}
