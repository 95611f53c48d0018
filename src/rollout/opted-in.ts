import { withAgents } from './agents.ts';
import type { FleetFacts } from './fleet.ts';
import { quotaLook } from './quota-look.ts';
import { read } from './reading.ts';
import { isCancelled } from './spot-copies.ts';
import type { SurveyPorts } from './survey.ts';
import { factsOf, factsOfSpotFleets } from './survey.ts';
import { COPY_OF, OPT_IN } from './tags.ts';

/**
 * A survey that outgrows a step's result would end the execution: 256 KB (AWS-CONTRACTS §7), counted in bytes of JSON.
 * What is in it beside the facts has its place in what is left of that.
 */
const MOST_FLEETS = 50;
const MOST_BYTES = 220_000;

/**
 * The fleets that opted in, as they are; the same for a rollout and for the command that shows its plan.
 * @param asked only these, by id: whoever names a fleet gets it, however many others there are. None: all, as far as they go.
 */
export async function fleetsOptedIn(
  ports: SurveyPorts,
  asked: readonly string[] = [],
): Promise<{ readonly fleets: readonly FleetFacts[]; readonly leftOut: number }> {
  const isMeant = (...ids: readonly string[]): boolean => asked.length === 0 || ids.some((id) => asked.includes(id));
  const groups = read(await ports.groups.taggedGroups(OPT_IN)).filter(({ name }) => isMeant(`group/${name}`));
  // Whoever named a Spot Fleet meant as well what has come in its place.
  const spotFleets = read(await ports.spotFleets.taggedFleets(OPT_IN)).filter(
    ({ id, state, tags }) => !isCancelled(state) && isMeant(`spot-fleet/${id}`, `spot-fleet/${tags[COPY_OF]}`),
  );
  const kept = groups.slice(0, MOST_FLEETS);
  const alsoKept = spotFleets.slice(0, MOST_FLEETS - kept.length);
  const withInstances = [];
  for (const fleet of alsoKept) {
    withInstances.push({ fleet, instances: read(await ports.spotFleets.fleetInstances(fleet.id)) });
  }
  const copies = withInstances.length === 0 ? [] : read(await ports.spotFleets.taggedFleets(COPY_OF));
  const quotas = quotaLook(ports.quotas);
  const facts = [
    ...(await factsOf(kept, quotas, ports)),
    ...(await factsOfSpotFleets(withInstances, copies, quotas, ports)),
  ];
  const instances = [...kept, ...withInstances].map((fleet) => fleet.instances);
  const looked = facts.map((one, i) => ({ facts: one, instances: instances[i] ?? [] }));
  const fleets = thatFit(await withAgents(looked, ports.clusters));
  const leftOut = groups.length + spotFleets.length - fleets.length;
  return { fleets, leftOut };
}

/** One that is too large leaves its place to those behind it. */
function thatFit(fleets: readonly FleetFacts[]): FleetFacts[] {
  let left = MOST_BYTES;
  return fleets.filter((facts) => {
    const bytes = new TextEncoder().encode(`${JSON.stringify(facts)},`).length;
    if (bytes > left) return false;
    left -= bytes;
    return true;
  });
}

/** What whoever counts on the rollout has to know of the fleets beyond those. */
export function leftOutWords(leftOut: number): string {
  const [who, them] = leftOut === 1 ? ['1 further fleet', 'it'] : [`${leftOut} further fleets`, 'them'];
  return `${who} opted in and ${leftOut === 1 ? 'is' : 'are'} left out, for a rollout takes ${MOST_FLEETS} at most, fewer where they have very many overrides: order ${them} by name (ecs-drain rollout start SOURCE --group NAME).`;
}
