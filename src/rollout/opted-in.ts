import type { FleetFacts } from './fleet.ts';
import { read } from './reading.ts';
import { isCancelled } from './spot-copies.ts';
import type { SurveyPorts } from './survey.ts';
import { factsOf, factsOfSpotFleets } from './survey.ts';
import { COPY_OF, OPT_IN } from './tags.ts';

/** A survey that outgrows a step's result would end the execution (AWS-CONTRACTS §7): 256 KB hold far more than these. */
const MOST_FLEETS = 50;

/** The fleets that opted in, as they are; the same for a rollout and for the command that shows its plan. */
export async function fleetsOptedIn(
  ports: SurveyPorts,
): Promise<{ readonly fleets: readonly FleetFacts[]; readonly leftOut: number }> {
  const groups = read(await ports.groups.taggedGroups(OPT_IN));
  const spotFleets = read(await ports.spotFleets.taggedFleets(OPT_IN)).filter(({ state }) => !isCancelled(state));
  const kept = groups.slice(0, MOST_FLEETS);
  const alsoKept = spotFleets.slice(0, MOST_FLEETS - kept.length);
  const withInstances = [];
  for (const fleet of alsoKept) {
    withInstances.push({ fleet, instances: read(await ports.spotFleets.fleetInstances(fleet.id)) });
  }
  const copies = withInstances.length === 0 ? [] : read(await ports.spotFleets.taggedFleets(COPY_OF));
  const fleets = [...(await factsOf(kept, ports)), ...(await factsOfSpotFleets(withInstances, copies, ports))];
  const leftOut = groups.length + spotFleets.length - fleets.length;
  return { fleets, leftOut };
}
