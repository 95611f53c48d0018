import { describe, expect, it } from 'vitest';
import { underWay } from '../../src/operator/rollout-beside.ts';
import type { FleetRequest, ReleaseRequest } from '../../src/rollout/request.ts';
import { NEW } from '../rollout/builders.ts';

const noticedAt = '2026-11-23T09:00:00.000Z';
const release = (changes: Partial<ReleaseRequest> = {}): ReleaseRequest => ({
  ...{ kind: 'release', source: 'al2023/x86_64', version: '1', noticedAt },
  ...changes,
});
const ofFleet = (fleet: string, name = 'the-release'): FleetRequest => ({
  ...{ kind: 'fleet', fleet, source: '/follow/me', imageId: NEW, version: '1', noticedAt },
  release: name,
});
const place = { region: 'eu-west-1', stack: 'ecs-drain' };
const order = { source: 'al2023/x86_64', fleets: ['group/web-asg', 'group/api-asg'] };

describe('an order', () => {
  it.each([
    ['nothing runs', []],
    ['a rollout of another source runs', [release({ source: 'al2023/arm64' })]],
    ['one of its source runs for other fleets', [release({ fleets: ['group/db-asg'], by: 'jo', id: 'x' })]],
    ['another fleet is being rolled', [ofFleet('group/db-asg')]],
  ])('is alone where %s', (_what, running) => {
    expect(underWay(running, order, place)).toEqual([]);
  });

  it.each([
    ['of its source', release()],
    ['of its source and one of its fleets', release({ fleets: ['group/db-asg', 'group/api-asg'] })],
  ])('is beside a rollout %s, which is named, with what to do', (_what, running) => {
    expect(underWay([running], order, place)).toEqual([
      {
        because:
          'A rollout of al2023/x86_64 is under way already, by al2023-x86-6-bcbc82db-1. Wait for it, or end it first:',
        command: ['ecs-drain rollout cancel', 'al2023-x86-6-bcbc82db-1', '--region eu-west-1'],
      },
    ]);
  });

  it('is beside a rollout of another source that has its fleets, told once for each rollout', () => {
    const running = [ofFleet('group/web-asg'), ofFleet('group/api-asg'), ofFleet('group/api-asg', 'other')];

    expect(underWay(running, order, { ...place, stack: 'mine' })).toEqual([
      {
        because: 'group/web-asg, group/api-asg: being rolled already, by the-release. Wait for it, or end it first:',
        command: ['ecs-drain rollout cancel', 'the-release', '--region eu-west-1', '--stack mine'],
      },
      {
        because: 'group/api-asg: being rolled already, by other. Wait for it, or end it first:',
        command: ['ecs-drain rollout cancel', 'other', '--region eu-west-1', '--stack mine'],
      },
    ]);
  });

  it('names five of many fleets', () => {
    const fleets = Array.from({ length: 8 }, (_, i) => `group/g${i}`);

    const running = [release(), ...fleets.map((id) => ofFleet(id, 'al2023-x86-6-bcbc82db-1'))];
    const [said] = underWay(running, { ...order, fleets }, place);

    expect(said?.because).toMatch(
      /^group\/g0, .*, group\/g4 and 3 more: being rolled already, by al2023-x86-6-bcbc82db-1\. /,
    );
  });
});
