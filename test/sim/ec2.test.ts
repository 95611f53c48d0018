import { expect, it } from 'vitest';
import { createEc2 } from '../../sim/ec2.ts';
import type { WorldEvent } from '../../sim/world.ts';
import { createWorld } from '../../sim/world.ts';

it('an instance that has gone neither goes once more, nor stops, nor starts again', () => {
  // Prepare
  const world = createWorld({ seed: 1, region: 'eu-west-1' });
  const log: WorldEvent['kind'][] = [];
  world.on(({ kind }) => void log.push(kind));
  const ec2 = createEc2(world);

  // Act
  ec2.reboot('i-0');
  ec2.vanish('i-0', 'spot');
  ec2.vanish('i-0', 'console');
  ec2.stop('i-0', 'spot');
  ec2.reboot('i-0');
  ec2.stop('i-1', 'spot');

  // Assess
  expect(log).toEqual(['instance-restarting', 'instance-terminated', 'instance-stopped']);
});
