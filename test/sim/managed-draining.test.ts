import { expect, test } from 'vitest';
import { addManagedDraining, MANAGED_DRAINING_HOOK } from '../../sim/managed-draining.ts';
import { createGroupRegion, GROUP } from './bare-region.ts';

/** A group of two instances with a hook of ours beside that of managed draining, and a task on the first. */
function prepare(task: { runsSeconds?: number } = {}) {
  const region = createGroupRegion({ desired: 2 }, [
    { name: 'drain', heartbeatSeconds: 7200, defaultResult: 'CONTINUE' },
  ]);
  addManagedDraining(region.world, region, GROUP);
  for (const instanceId of region.ids) region.ecs.registerContainerInstance({ cluster: 'web', instanceId });
  region.ecs.runStandalone('web', { count: 1, instanceId: region.first, ...task });
  return region;
}

test('ECS sets the instance DRAINING, completes its own hook when the instance is empty, and leaves ours alone', () => {
  const { autoScaling, first, runTo, of, finished } = prepare({ runsSeconds: 300 });

  autoScaling.terminate(GROUP, [first]);
  runTo(300);

  expect(of('container-instance').filter(({ status }) => status === 'DRAINING')).toMatchObject([
    { instanceId: first, by: 'managed-draining' },
  ]);
  expect(finished()).toEqual([]);
  runTo(320);
  expect(finished()).toMatchObject([{ hook: MANAGED_DRAINING_HOOK, result: 'CONTINUE', by: 'ecs' }]);
  expect(autoScaling.stateOf(first)).toBe('Terminating:Wait');
});

test('an instance with nothing on it, or already DRAINING, costs managed draining no time', () => {
  const { autoScaling, ecs, ids, runTo, of, finished } = prepare();
  const [, second = ''] = ids;
  ecs.setStatus(second, 'DRAINING');

  autoScaling.terminate(GROUP, [second]);
  runTo(10);

  expect(of('container-instance').filter(({ by }) => by === 'managed-draining')).toEqual([]);
  expect(finished()).toMatchObject([{ instanceId: second, hook: MANAGED_DRAINING_HOOK, by: 'ecs' }]);
});

test('managed draining holds an instance whose tasks stay for 48 hours, and no longer', () => {
  const { autoScaling, first, runTo, finished } = prepare();

  autoScaling.terminate(GROUP, [first]);
  runTo(172_900);

  expect(finished().map(({ hook, by }) => [hook, by])).toEqual([
    ['drain', 'heartbeat-timeout'],
    [MANAGED_DRAINING_HOOK, 'global-timeout'],
  ]);
  expect(autoScaling.stateOf(first)).toBeUndefined();
});
