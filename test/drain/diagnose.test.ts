import { describe, expect, it } from 'vitest';
import { diagnose } from '../../src/drain/diagnose.ts';
import type { ServiceSeen, TaskSeen } from '../../src/ports.ts';

const task = (group = 'service:api', status = 'RUNNING'): TaskSeen => ({
  id: '0123456789abcdef0123456789abcdef',
  status,
  group,
});
const service = (different: Partial<ServiceSeen> = {}): ServiceSeen => ({
  name: 'api',
  daemon: false,
  ecsReplaces: true,
  minimumHealthyPercent: 100,
  maximumPercent: 200,
  desired: 2,
  events: [],
  ...different,
});
const HOUR_MS = 3_600_000;
const said = (message: string): ServiceSeen['events'] => [{ atMs: 0, message }];
const NO_CAPACITY =
  '(service api) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 0123) has insufficient memory available.';
const PORT_CLASH =
  '(service api) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 0123) is already using a port required by your task.';
const CONSTRAINT =
  '(service api) was unable to place a task because no container instance met all of its requirements. The closest matching (container-instance 0123) encountered error "MemberOf placement constraint unsatisfied."';
const steady = { atMs: 2, message: '(service api) has reached a steady state.' };

describe('a stuck drain is explained', () => {
  it.each<[string, Partial<Parameters<typeof diagnose>[0]>, RegExp[]]>([
    ['not at all, when nothing is to be seen', {}, []],
    ['by an agent that is disconnected', { agentConnected: false }, [/agent on the instance is disconnected/]],
    [
      'by the agent first, for without it the rest means little',
      { agentConnected: false, tasks: [task('family:report')] },
      [/agent/, /standalone/],
    ],
    [
      'by a service without capacity, in ECS’s words',
      { tasks: [task(), task()], services: [service({ events: said(NO_CAPACITY) })] },
      [/^2 tasks of service api cannot leave: ECS says ".*insufficient memory/],
    ],
    [
      'by a port clash, in ECS’s words',
      { tasks: [task()], services: [service({ events: said(PORT_CLASH) })] },
      [/^1 task of service api cannot leave: ECS says ".*already using a port/],
    ],
    [
      'by a placement constraint, in ECS’s words',
      { tasks: [task()], services: [service({ events: said(CONSTRAINT) })] },
      [/placement constraint/],
    ],
    [
      'by a replacement that does not stay up',
      {
        tasks: [task()],
        services: [service({ events: said('(service api) is unable to consistently start tasks successfully.') })],
      },
      [/unable to consistently start/],
    ],
    [
      'by a replacement that is unhealthy',
      {
        tasks: [task()],
        services: [
          service({
            events: said(
              '(service api) (port 80) is unhealthy in (target-group x) due to (reason Health checks failed)',
            ),
          }),
        ],
      },
      [/is unhealthy/],
    ],
    [
      'by the first event that tells something',
      { tasks: [task()], services: [service({ events: [steady, ...said(PORT_CLASH), ...said(NO_CAPACITY)] })] },
      [/already using a port/],
    ],
    [
      'not by what ECS said more than an hour before the drain began',
      { sinceMs: HOUR_MS + 1, tasks: [task()], services: [service({ events: said(PORT_CLASH) })] },
      [/replacement is not running yet, and ECS gives no reason/],
    ],
    [
      'by an event of today, whatever was said before',
      {
        sinceMs: 3 * HOUR_MS,
        tasks: [task()],
        services: [service({ events: [{ atMs: 3 * HOUR_MS, message: CONSTRAINT }, ...said(PORT_CLASH)] })],
      },
      [/placement constraint/],
    ],
    [
      'by a missing replacement, when the events tell nothing',
      { tasks: [task()], services: [service({ events: [steady] })] },
      [/replacement is not running yet, and ECS gives no reason/],
    ],
    [
      'by minimum and maximum both at 100',
      { tasks: [task()], services: [service({ maximumPercent: 100, events: said(NO_CAPACITY) })] },
      [/minimum and maximum healthy percent are both 100.*Raise maximumPercent/],
    ],
    [
      'by bounds that come to no task less and none more',
      {
        tasks: [task()],
        services: [service({ desired: 1, minimumHealthyPercent: 50, maximumPercent: 100, events: said(NO_CAPACITY) })],
      },
      [/minimum and maximum healthy percent are 50 and 100, of 1 task, so ECS may neither/],
    ],
    [
      'but not by bounds that ECS does not go by',
      { tasks: [task()], services: [service({ maximumPercent: 100, ecsReplaces: false })] },
      [/no reason/],
    ],
    [
      'but not by a maximum of 100 with a lower minimum',
      { tasks: [task()], services: [service({ minimumHealthyPercent: 50, maximumPercent: 100 })] },
      [/no reason/],
    ],
    [
      'by a standalone task',
      { tasks: [task('family:report')] },
      [/^1 standalone task \(family:report\) will not be stopped by ECS.*aws ecs stop-task/],
    ],
    [
      'by standalone tasks of many families, three of them named',
      { tasks: ['a', 'b', 'c', 'd', 'd'].map((f) => task(`family:${f}`)) },
      [/^5 standalone tasks \(family:a, family:b, family:c and 1 more\)/],
    ],
    [
      'by a task that hangs in its stop timeout',
      { tasks: [task('service:api', 'STOPPING')], services: [service()] },
      [/^1 task \(service:api\) was told to stop and has not stopped/],
    ],
    [
      'by tasks that hang at their load balancer',
      { tasks: [task('service:api', 'DEACTIVATING'), task('service:web', 'DEPROVISIONING')] },
      [/^2 tasks \(service:api, service:web\) were told to stop and have not stopped/],
    ],
    [
      'by daemons, when only they are left',
      { tasks: [task('service:agent')], services: [service({ name: 'agent', daemon: true })] },
      [/service agent cannot leave: daemon tasks go last/],
    ],
    [
      'by what keeps the others, and by daemons only after that',
      {
        tasks: [task('service:agent'), task(), task('family:report'), task('service:web', 'STOPPING')],
        services: [service({ name: 'agent', daemon: true }), service({ maximumPercent: 100 })],
      },
      [/service api.*both 100/, /standalone/, /told to stop/, /daemon/],
    ],
    [
      'by one cause for each service',
      { tasks: [task(), task('service:web')], services: [service(), service({ name: 'web', maximumPercent: 100 })] },
      [/service api/, /service web/],
    ],
    [
      'not by a service whose tasks have all left',
      { tasks: [task('service:api', 'STOPPING')], services: [service({ maximumPercent: 100 })] },
      [/told to stop/],
    ],
    ['not by a service that could not be read', { tasks: [task()], services: [] }, []],
    ['not by a service of the same beginning', { tasks: [task('service:api-2')], services: [service()] }, []],
  ])('%s', (_, stall, reasons) => {
    expect(diagnose({ agentConnected: true, tasks: [], services: [], kept: [], sinceMs: HOUR_MS, ...stall })).toEqual(
      reasons.map((reason) => expect.stringMatching(reason)),
    );
  });

  it('with at most 300 characters of an event', () => {
    const [reason = ''] = diagnose({
      kept: [],
      sinceMs: HOUR_MS,
      agentConnected: true,
      tasks: [task()],
      services: [service({ events: said(`were stopped ${'x'.repeat(5_000)}`) })],
    });
    expect(reason.length).toBeLessThan(400);
  });
});
