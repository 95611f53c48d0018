import type * as sdk from '@aws-sdk/client-ecs';
import { AwsError } from './aws-error.ts';
import { page } from './ecs-pages.ts';
import { toTaskDefinition } from './ecs-shapes.ts';
import type { CapacityProvider, Cluster, Names } from './ecs-state.ts';

/** The operations of ECS that tell what is set up in a region, and change with no task. */
export function createCatalog({
  clusters,
  names,
  clusterOf,
  capacityProviders,
}: {
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly names: Names;
  /** Throws what AWS answers when there is no such cluster, or it cannot be read. */
  readonly clusterOf: (input: { cluster?: string | undefined }) => Cluster;
  readonly capacityProviders: readonly CapacityProvider[];
}) {
  return {
    ListServices(input: sdk.ListServicesCommandInput) {
      const numbered = [...clusterOf(input).services.values()].map(({ arn }, index) => ({ arn, order: index + 1 }));
      // "If this parameter isn't used, then ListServices returns up to 10 results" (API reference).
      const { items, ...rest } = page(numbered, () => true, { ...input, maxResults: input.maxResults ?? 10 });
      return { serviceArns: items.map(({ arn }) => arn), ...rest } satisfies sdk.ListServicesResponse;
    },

    /** Only services have task definitions here, of their own name; of two services of one name, the first one's. */
    DescribeTaskDefinition({ taskDefinition = '' }: sdk.DescribeTaskDefinitionCommandInput) {
      const family = taskDefinition.slice(taskDefinition.lastIndexOf('/') + 1).split(':')[0] ?? '';
      const service = [...clusters.values()].flatMap(({ services }) => services.get(family) ?? [])[0];
      // As AWS says it (getmoto/moto#5910).
      if (service === undefined) throw new AwsError('ClientException', 'Unable to describe task definition.');
      return { taskDefinition: toTaskDefinition(service, names) } satisfies sdk.DescribeTaskDefinitionResponse;
    },

    DescribeCapacityProviders(input: sdk.DescribeCapacityProvidersCommandInput) {
      const asked = input.capacityProviders;
      const found = [...capacityProviders.entries()]
        .map(([index, provider]) => ({ provider, order: index + 1 }))
        .filter(({ provider }) => asked === undefined || asked.includes(provider.name ?? ''));
      // "Between 1 and 10" on a page (API reference).
      const { items, ...rest } = page(found, () => true, {
        ...input,
        maxResults: Math.min(input.maxResults ?? 10, 10),
      });
      return {
        capacityProviders: items.map(({ provider }) => provider),
        failures: [],
        ...rest,
      } satisfies sdk.DescribeCapacityProvidersResponse;
    },
  };
}
