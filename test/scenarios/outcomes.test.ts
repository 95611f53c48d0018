import { beforeAll, describe, expect, it } from 'vitest';
import type { Bundles } from '../../sim/run.ts';
import { loadBundles, readScenario, run, scenarioNames } from '../../sim/run.ts';

/**
 * What each scenario comes to, and what people hear on the way. The audit says that nothing is wrong; the table says
 * that what should be done was done. Where AWS leaves open how it behaves, the seed says, and there are two ways.
 */

const DRAINED = ['started drained'];
const FORCED = ['started stuck forced'];
const GONE = 'started hook-gone';

/** The outcomes that its instances have, and the kinds of alerts, each once, in the order they were first told in. */
const EXPECTED: Readonly<Record<string, readonly [outcomes: string, alerts: readonly string[]]>> = {
  'agent-gone': ['drained', ['started stuck drained', 'started stuck resolved drained']],
  'already-draining': ['drained', DRAINED],
  'ami-announced': ['drained', DRAINED],
  'by-event': ['drained', DRAINED],
  'cluster-unreadable': ['drained', ['stuck resolved started drained']],
  'daemon-last': ['drained', DRAINED],
  demo: ['drained', DRAINED],
  'deploy-midway': ['drained', DRAINED],
  deregistered: ['drained', DRAINED],
  'double-registration': ['drained', DRAINED],
  'drained-by-others': ['drained', ['started drained restored']],
  'duplicate-storm': ['drained', DRAINED],
  'hook-changed': ['drained', DRAINED],
  'hook-gone': ['drained hook-gone', [...DRAINED, GONE]],
  'hook-gone-stuck': ['forced hook-gone', [...FORCED, GONE]],
  'hundreds-of-tasks': ['drained', DRAINED],
  'lambda-killed': ['drained', DRAINED],
  'long-48h': ['drained forced', ['started stuck resolved drained', ...FORCED]],
  'maintenance-reboot': ['drained', ['started drained restored']],
  'managed-draining-beside': ['drained', DRAINED],
  'managed-termination-protection': ['drained replaced', ['replacing started drained']],
  'many-clusters': ['drained', DRAINED],
  'min-max-100': ['forced', FORCED],
  'never-stops': ['forced', FORCED],
  'observe-midway': ['observed', ['started observed']],
  'observe-mode': ['observed', ['observed']],
  ordered: ['drained', DRAINED],
  'paused-midway': ['drained', ['started paused drained']],
  'placement-constraint': ['forced', FORCED],
  'port-clash': ['forced', FORCED],
  protected: ['drained', [...DRAINED, 'started stuck resolved drained']],
  reactivated: ['drained', ['started reactivated drained']],
  'rebalance-notify': ['observed', ['noticed']],
  'rebalance-wave': ['drained replaced', ['replacing started drained']],
  'reboot-too-early': ['forced', ['started stuck forced restored']],
  'replace-root-volume': ['drained', ['started drained restored']],
  retained: ['abandoned', FORCED],
  'rollback-midway': ['drained', DRAINED],
  'root-volume-leftover': ['drained', ['started drained restored']],
  'short-hook': ['forced', FORCED],
  'spot-stop': ['drained', ['started drained restored']],
  'spot-two-minutes': ['drained not-a-container-instance', [...DRAINED, 'started drained not-a-container-instance']],
  'standalone-forever': ['drained', DRAINED],
  'standalone-waits': ['drained', [...DRAINED, 'started stuck drained']],
  standard: ['drained', DRAINED],
  'stuck-no-capacity': ['forced', FORCED],
  'switch-garbled': ['drained', ['started misconfigured drained']],
  throttled: ['drained', [...DRAINED, 'started drained stuck', 'started stuck drained']],
  unregistered: ['not-a-container-instance', ['not-a-container-instance']],
  'upgrade-midway': ['abandoned forced', FORCED],
  vanished: ['hook-gone', [GONE]],
  'warm-pool': ['drained', DRAINED],
  'wrong-cluster': ['drained', DRAINED],
};

/** What they come to is tested by budgets.test.ts and scenarios.test.ts. */
const LARGE = ['hundred-of-thousand', 'thousand-of-thousand'];
const SEEDS = [1, 2, 3, 4, 5];
/** Two simulated days take seconds: one seed. */
const seedsOf = (name: string): readonly number[] => (name === 'long-48h' ? [1] : SEEDS);

let bundles: Bundles;
beforeAll(async () => {
  bundles = await loadBundles();
});

describe('what is told of', () => {
  it.each(Object.entries(EXPECTED))('%s is what happens, and no rule is broken', async (name, [outcomes, alerts]) => {
    for (const seed of seedsOf(name)) {
      const { report } = await run(readScenario(name), seed, { bundles, engine: 'store' });
      expect(report.violations, `seed ${seed}`).toEqual([]);
      expect(report.instances.length).toBeGreaterThan(0);
      for (const { outcome } of report.instances) expect(outcomes.split(' '), `seed ${seed}`).toContain(outcome);
      expect(alerts, `seed ${seed}`).toContain([...new Set(report.alerts.map(({ kind }) => kind))].join(' '));
    }
  });

  it('a scenario is told of here, whichever it is', () => {
    // Those that roll images out are told of in rollouts.test.ts.
    const drains = scenarioNames().filter((name) => !readScenario(name).rollouts);
    expect(Object.keys(EXPECTED)).toEqual(drains.filter((name) => !LARGE.includes(name)));
  });
});

describe('an alert about something that lasts', () => {
  it('comes again after an hour, and no sooner', async () => {
    const { report } = await run(readScenario('long-48h'), 1, { bundles, engine: 'store' });
    const told = report.alerts.filter(({ kind }) => kind === 'stuck').map(({ atSeconds }) => atSeconds);
    const pauses = told.slice(1).map((at, i) => at - (told[i] ?? 0));
    expect(told.length).toBeGreaterThan(24);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(600);
    expect(Math.max(...pauses)).toBeLessThan(2 * 3_600);
  });
});

describe('a drain that is turned to observe midway', () => {
  it('loses no task to a hook that nobody keeps alive', async () => {
    for (const seed of SEEDS) {
      const { report } = await run(readScenario('observe-midway'), seed, { bundles, engine: 'store' });
      expect(report.instances.map(({ tasksCut }) => tasksCut)).toEqual([0]);
      expect(report.calls['autoscaling:RecordLifecycleActionHeartbeat']).toBeGreaterThan(4);
      expect(report.calls).not.toHaveProperty('autoscaling:CompleteLifecycleAction');
    }
  });
});

describe('an instance that somebody else had drained', () => {
  it('stays DRAINING, while the one that we drained is set ACTIVE again', async () => {
    for (const seed of SEEDS) {
      const statuses = new Map<string, string>();
      const { report, region } = await run(readScenario('drained-by-others'), seed, {
        bundles,
        engine: 'store',
        watch: ({ world }) =>
          world.on((event) => {
            if (event.kind === 'container-instance') statuses.set(event.instanceId, event.status);
          }),
      });
      const [others, ours] = region.instancesOf('web-asg');
      expect(report.alerts.find(({ kind }) => kind === 'restored')?.instanceId).toBe(ours);
      expect([statuses.get(others ?? ''), statuses.get(ours ?? '')]).toEqual(['DRAINING', 'ACTIVE']);
    }
  });
});
