import type { ECSClient, Service } from '@aws-sdk/client-ecs';
import { DescribeServicesCommand, ListServicesCommand } from '@aws-sdk/client-ecs';
import type { Result } from '../ports.ts';
import { attempt } from './failure.ts';
import { allPages, inChunks } from './pages.ts';

/** Most identifiers in one call (AWS-CONTRACTS §3). */
const MOST_SERVICES = 10;

/** The services of a cluster whose tasks run on EC2 instances, as ECS describes them. */
export async function describeServices(client: ECSClient, cluster: string): Promise<Result<readonly Service[]>> {
  const listed = await attempt('ecs:ListServices', () =>
    allPages(async (nextToken) => {
      const page = await client.send(new ListServicesCommand({ cluster, maxResults: 100, ...nextToken }));
      return { items: page.serviceArns, nextToken: page.nextToken };
    }),
  );
  if (!listed.ok) return listed;
  return attempt('ecs:DescribeServices', async () => {
    const answers = await inChunks(listed.value, MOST_SERVICES, (services) =>
      client.send(new DescribeServicesCommand({ cluster, services })),
    );
    return answers.flatMap(({ services = [] }) => services.filter(isOnInstances));
  });
}

function isOnInstances({ status, launchType, capacityProviderStrategy = [] }: Service): boolean {
  const isFargate =
    capacityProviderStrategy.length > 0 &&
    capacityProviderStrategy.every(({ capacityProvider }) => capacityProvider?.startsWith('FARGATE'));
  return status === 'ACTIVE' && (launchType === undefined || launchType === 'EC2') && !isFargate;
}
