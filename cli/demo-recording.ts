import type { Region } from '../sim/region.ts';
import { sentenceOf } from '../sim/report.ts';
import type { Request } from '../sim/requests.ts';
import { watchTargets } from '../sim/requests.ts';
import type { TaskStatus, WorldEvent } from '../sim/world.ts';
import type { Light, Mark, Timed } from './demo-frame.ts';

/** The stages of a drain that light up as they work. */
export type Stage = 'hook' | 'SNS' | 'intake' | 'drain';

interface TaskChange extends Timed {
  readonly task: number;
  readonly status: TaskStatus | 'CUT';
}

/** What one world showed, in seconds from its start; everything the demo draws is in here. */
export interface Recording {
  readonly instanceId: string;
  readonly marks: readonly Mark[];
  readonly states: readonly Mark[];
  /** Changes of the tasks that were on the instance when it began to leave. */
  readonly tasks: readonly TaskChange[];
  readonly replacements: readonly Timed[];
  readonly lights: readonly Light<Stage>[];
  readonly requests: readonly Request[];
}

/** Watches a world from before its start; call the answer when the run is over. */
export function record({ world, lifecycleTopicArn, alertTopicArn, ecs }: Region): (untilSeconds: number) => Recording {
  const targets = watchTargets(world);
  const marks: Mark[] = [];
  const states: Mark[] = [{ atSeconds: 0, text: 'InService' }];
  const tasks: TaskChange[] = [];
  const replacements: Timed[] = [];
  const lights: Light<Stage>[] = [];
  let instanceId = '';
  let mine: string[] = [];

  const mark = (text: string) => marks.push({ atSeconds: world.clock.nowSeconds(), text });
  const light = (stage: Stage) => lights.push({ atSeconds: world.clock.nowSeconds(), stage });
  const state = (text: string) => states.push({ atSeconds: world.clock.nowSeconds(), text });

  const see = (event: WorldEvent): void => {
    const atSeconds = world.clock.nowSeconds();
    switch (event.kind) {
      case 'instance-terminating':
        if (instanceId !== '') break;
        instanceId = event.instanceId;
        mine = ecs.liveTasks(instanceId).map(({ arn }) => arn);
        for (const task of mine.keys()) tasks.push({ atSeconds, task, status: 'RUNNING' });
        state('Terminating');
        mark('Auto Scaling takes the instance away');
        break;
      case 'hook-waiting':
        state('Terminating:Wait');
        light('hook');
        mark(`the hook ${event.hook} holds it`);
        break;
      case 'published':
        if (event.topicArn === lifecycleTopicArn) {
          light('SNS');
          mark('SNS carries the lifecycle notice');
        } else if (event.topicArn === alertTopicArn)
          mark(`alert, ${event.attributes['severity']}: ${sentenceOf(event.message)}`);
        break;
      case 'invoked':
        light(event.executionName === undefined ? 'intake' : 'drain');
        if (event.executionName === undefined) mark('intake λ starts an execution named by the lifecycle token');
        break;
      case 'container-instance':
        if (event.instanceId === instanceId && event.by === 'call')
          mark(`drain λ sets the container instance to ${event.status}`);
        break;
      case 'task': {
        const task = mine.indexOf(event.taskArn);
        if (task >= 0) tasks.push({ atSeconds, task, status: event.cut ? 'CUT' : event.lastStatus });
        else if (instanceId !== '' && event.lastStatus === 'RUNNING') replacements.push({ atSeconds });
        if (task >= 0 && event.lastStatus === 'STOPPED' && !event.cut) mark(`task ${task + 1} has really stopped`);
        break;
      }
      case 'hook-finished':
        state('Terminating:Proceed');
        mark(`drain λ completes the lifecycle action: ${event.result}`);
        break;
      case 'instance-terminated': {
        if (event.instanceId !== instanceId) break;
        state('Terminated');
        mark('the instance is gone');
        break;
      }
    }
  };
  world.on(see);

  return (untilSeconds) => ({
    instanceId,
    marks,
    states,
    tasks,
    replacements,
    lights,
    requests: targets.requests(untilSeconds),
  });
}
