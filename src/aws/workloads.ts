import type { ECSClient, Service } from '@aws-sdk/client-ecs';
import { DescribeTaskDefinitionCommand, DescribeTasksCommand, ListTasksCommand } from '@aws-sdk/client-ecs';
import type { ServiceSeen, StandaloneSeen } from '../operator/doctor-seen.ts';
import type { Result } from '../ports.ts';
import { attempt } from './failure.ts';
import { allPages, inChunks } from './pages.ts';
import { replacingOf } from './replacing.ts';
import { describeServices } from './services.ts';

/** Most identifiers in one call (AWS-CONTRACTS §3). */
const MOST_TASKS = 100;
/** Of one cluster: drains need the same calls (AWS-CONTRACTS §3, throttle buckets), and must not starve. */
const MOST_TASKS_READ = 1_000;

/** The services of a cluster whose tasks run on EC2 instances. */
export async function servicesOnInstances(client: ECSClient, cluster: string): Promise<Result<readonly ServiceSeen[]>> {
  const found = await describeServices(client, cluster);
  return found.ok ? { ok: true, value: found.value.map(serviceSeen) } : found;
}

function serviceSeen(service: Service): ServiceSeen {
  return {
    name: service.serviceName ?? '',
    ...replacingOf(service),
    taskDefinition: service.taskDefinition ?? '',
  };
}

/** Tasks on EC2 instances that no service started; of a cluster with very many tasks only the first thousand are looked at. */
export async function standaloneTasks(client: ECSClient, cluster: string): Promise<Result<StandaloneSeen>> {
  const listed = await attempt('ecs:ListTasks', () =>
    allPages(async (nextToken) => {
      const page = await client.send(new ListTasksCommand({ cluster, maxResults: 100, ...nextToken }));
      return { items: page.taskArns, nextToken: page.nextToken };
    }),
  );
  if (!listed.ok) return listed;
  const some = listed.value.slice(0, MOST_TASKS_READ);
  return attempt('ecs:DescribeTasks', async () => {
    const answers = await inChunks(some, MOST_TASKS, (tasks) =>
      client.send(new DescribeTasksCommand({ cluster, tasks })),
    );
    const onInstances = answers.flatMap(({ tasks = [] }) => tasks).filter((task) => task.containerInstanceArn);
    const groups = onInstances.map(({ group }) => group ?? 'family:unknown');
    return {
      families: groups.filter((group) => !group.startsWith('service:')).map((group) => group.replace(/^family:/, '')),
      tasks: listed.value.length,
      lookedAt: some.length,
    };
  });
}

/** The longest stop timeout of its containers; undefined when none says one. */
export function stopTimeout(client: ECSClient, taskDefinition: string): Promise<Result<number | undefined>> {
  return attempt('ecs:DescribeTaskDefinition', async () => {
    const answer = await client.send(new DescribeTaskDefinitionCommand({ taskDefinition }));
    const said = (answer.taskDefinition?.containerDefinitions ?? []).flatMap(({ stopTimeout: one }) => one ?? []);
    return said.length === 0 ? undefined : Math.max(...said);
  });
}
