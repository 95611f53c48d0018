import type { ECSClient } from '@aws-sdk/client-ecs';
import { DescribeTasksCommand } from '@aws-sdk/client-ecs';
import type { TaskTimes } from '../operator/rehearsal.ts';
import type { Result } from '../ports.ts';
import { attempt } from './failure.ts';
import { inChunks } from './pages.ts';

/** Most identifiers in one call (AWS-CONTRACTS §3). */
const MOST_DESCRIBED = 100;

/** When tasks began to stop, and when they had stopped; those that ECS has forgotten are left out. */
export function taskTimes(
  client: ECSClient,
  cluster: string,
  ids: readonly string[],
): Promise<Result<readonly TaskTimes[]>> {
  return attempt('ecs:DescribeTasks', async () => {
    const answers = await inChunks(ids, MOST_DESCRIBED, (tasks) =>
      client.send(new DescribeTasksCommand({ cluster, tasks })),
    );
    return answers.flatMap(({ tasks = [] }) =>
      tasks.map(({ taskArn = '', lastStatus, stoppingAt, stoppedAt }) => ({
        id: taskArn.slice(taskArn.lastIndexOf('/') + 1),
        ...(stoppingAt ? { stoppingAtMs: stoppingAt.getTime() } : {}),
        // Until it is STOPPED, a time would be no proof.
        ...(stoppedAt && lastStatus === 'STOPPED' ? { stoppedAtMs: stoppedAt.getTime() } : {}),
      })),
    );
  });
}
