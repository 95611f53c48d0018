import type * as sdk from '@aws-sdk/client-ec2';
import { AwsError } from './aws-error.ts';
import type { SpotFleet, SpotFleets, SpotInstance } from './spot-fleets.ts';
import type { Templates } from './templates.ts';
import type { World } from './world.ts';

const badConfig = (message: string): AwsError => new AwsError('InvalidSpotFleetRequestConfig', message);

/** What EC2 answers about Spot Fleets (AWS-CONTRACTS §6). */
export function createSpotFleetOperations(
  world: World,
  region: { spotFleets: SpotFleets; templates: Pick<Templates, 'version' | 'nameOf' | 'idOf'> },
) {
  const { spotFleets, templates } = region;
  const tokens = new Map<string, { readonly input: string; readonly fleet: SpotFleet }>();
  // UNVERIFIED: whether a second cancel succeeds or says that there is nothing to cancel.
  const cancelsTwice = world.random('unverified/ec2-cancels-spot-fleet-twice').chance(0.5);

  // UNVERIFIED: whether it answers with the template's id or name as it was given, or with both.
  const tellsBoth = world.random('unverified/ec2-spot-fleet-template-by-both').chance(0.5);

  const fleetNamed = (id = ''): SpotFleet => {
    const fleet = spotFleets.fleets.get(id);
    if (fleet !== undefined) return fleet;
    // The code is the one that the Terraform provider looks for; the wording is UNVERIFIED.
    throw new AwsError('InvalidSpotFleetRequestId.NotFound', `The spot fleet request ID '${id}' does not exist`);
  };

  const listed = (): SpotFleet[] =>
    [...spotFleets.fleets.values()].filter(({ listedFromMs }) => listedFromMs <= world.clock.nowMs());

  const fulfilled = (fleet: SpotFleet): number => [...fleet.instances.values()].filter(({ isGone }) => !isGone).length;

  const templateConfig = (config: sdk.LaunchTemplateConfig): sdk.LaunchTemplateConfig => {
    const { LaunchTemplateId: id, LaunchTemplateName: name, Version } = config.LaunchTemplateSpecification ?? {};
    if (!tellsBoth) return config;
    const LaunchTemplateId = id ?? templates.idOf(name ?? '');
    const LaunchTemplateName = name ?? templates.nameOf(id ?? '');
    return { ...config, LaunchTemplateSpecification: { LaunchTemplateId, LaunchTemplateName, Version } };
  };

  /** The wording is from public logs. */
  const checkOnDemand = (target: number, onDemand = 0): void => {
    if (target >= onDemand) return;
    const message = `TargetCapacity (${target}) cannot be less than OnDemandTargetCapacity (${onDemand})`;
    throw new AwsError('InvalidParameter', message);
  };

  const shape = (fleet: SpotFleet): sdk.SpotFleetRequestConfig => ({
    SpotFleetRequestId: fleet.id,
    SpotFleetRequestState: fleet.state,
    ActivityStatus: fulfilled(fleet) >= fleet.target ? 'fulfilled' : 'pending_fulfillment',
    CreateTime: new Date(fleet.createdAtMs),
    SpotFleetRequestConfig: {
      ...fleet.config,
      LaunchTemplateConfigs: fleet.config.LaunchTemplateConfigs?.map(templateConfig),
      ExcessCapacityTerminationPolicy: fleet.excess,
      TagSpecifications: undefined,
      TargetCapacity: fleet.target,
      FulfilledCapacity: fulfilled(fleet),
      OnDemandFulfilledCapacity: 0,
    },
    Tags: [...fleet.tags],
  });

  const check = (config: sdk.SpotFleetRequestConfigData): void => {
    const { LaunchTemplateConfigs: configs = [], LaunchSpecifications: specifications = [] } = config;
    // UNVERIFIED: the wordings. The rules: "LaunchSpecifications xor LaunchTemplateConfigs" (§6), API reference.
    if (configs.length > 0 === specifications.length > 0)
      throw badConfig('Either LaunchSpecifications or LaunchTemplateConfigs must be given.');
    if (config.FulfilledCapacity !== undefined || config.OnDemandFulfilledCapacity !== undefined)
      throw badConfig('The fulfilled capacity cannot be set.');
    if (config.ValidUntil !== undefined && config.ValidUntil.getTime() <= world.clock.nowMs())
      throw badConfig('ValidUntil must be in the future.');
    checkOnDemand(config.TargetCapacity ?? 0, config.OnDemandTargetCapacity);
    for (const { LaunchTemplateSpecification: use } of configs) {
      if (use?.LaunchTemplateId !== undefined && use.LaunchTemplateName !== undefined)
        throw badConfig('Either the id or the name of a launch template must be given, not both.');
      const id = use?.LaunchTemplateId ?? templates.idOf(use?.LaunchTemplateName ?? '') ?? '';
      const version = templates.version(id, use?.Version);
      if (version === undefined) throw badConfig('The launch template does not exist.');
      // "Not supported by Spot Fleets" (AWS-CONTRACTS §5).
      if (version.image?.startsWith('resolve:ssm:')) throw badConfig('An image parameter is not supported.');
    }
  };

  const activeShape = ({ id, launched }: SpotInstance): sdk.ActiveInstance => ({
    InstanceId: id,
    InstanceType: launched.instanceType,
    InstanceHealth: 'healthy',
  });

  const paged = <T>(things: readonly T[], size: number, token: string | undefined) => {
    const from = Number(token ?? 0);
    const NextToken = from + size < things.length ? String(from + size) : undefined;
    return { items: things.slice(from, from + size), NextToken };
  };

  return {
    DescribeSpotFleetRequests(input: sdk.DescribeSpotFleetRequestsCommandInput) {
      const asked = input.SpotFleetRequestIds?.map((id) => fleetNamed(id)) ?? listed();
      const { items, NextToken } = paged(asked, Math.min(input.MaxResults ?? 100, 1_000), input.NextToken);
      return {
        SpotFleetRequestConfigs: items.map(shape),
        NextToken,
      } satisfies sdk.DescribeSpotFleetRequestsResponse;
    },

    DescribeSpotFleetInstances(input: sdk.DescribeSpotFleetInstancesCommandInput) {
      const fleet = fleetNamed(input.SpotFleetRequestId);
      const nowMs = world.clock.nowMs();
      const shown = [...fleet.instances.values()].filter((one) => one.shownFromMs <= nowMs && nowMs < one.shownUntilMs);
      const { items, NextToken } = paged(shown, Math.min(input.MaxResults ?? 1_000, 1_000), input.NextToken);
      return {
        ActiveInstances: items.map(activeShape),
        SpotFleetRequestId: fleet.id,
        NextToken,
      } satisfies sdk.DescribeSpotFleetInstancesResponse;
    },

    RequestSpotFleet(input: sdk.RequestSpotFleetCommandInput) {
      const config = input.SpotFleetRequestConfig;
      if (config === undefined) throw new AwsError('MissingParameter', 'SpotFleetRequestConfig is missing');
      const { ClientToken: token, ...wanted } = config;
      const asked = JSON.stringify(wanted);
      const known = token === undefined ? undefined : tokens.get(token);
      if (known !== undefined) {
        if (known.input !== asked)
          throw new AwsError('IdempotentParameterMismatch', 'The client token is associated with a different request');
        return { SpotFleetRequestId: known.fleet.id };
      }
      check(wanted);
      const tags = (wanted.TagSpecifications ?? []).flatMap(({ Tags = [] }) => Tags);
      if (tags.some(({ Key }) => Key?.startsWith('aws:')))
        throw new AwsError('InvalidParameterValue', "Tag keys starting with 'aws:' are reserved for internal use");
      const fleet = spotFleets.request(wanted, tags);
      if (token !== undefined) tokens.set(token, { input: asked, fleet });
      return { SpotFleetRequestId: fleet.id } satisfies sdk.RequestSpotFleetResponse;
    },

    ModifySpotFleetRequest(input: sdk.ModifySpotFleetRequestCommandInput) {
      const fleet = fleetNamed(input.SpotFleetRequestId);
      // The code is the one that the Terraform provider retries on; the wording is UNVERIFIED.
      if (fleet.state !== 'active' && fleet.state !== 'submitted')
        throw new AwsError('FleetNotInModifiableState', `The fleet is ${fleet.state}.`);
      // "You can only modify a Spot Fleet request of type maintain" (API reference).
      if (fleet.config.Type === 'request') throw badConfig('A request of type request cannot be modified.');
      const target = input.TargetCapacity ?? fleet.target;
      checkOnDemand(target, fleet.config.OnDemandTargetCapacity);
      fleet.excess = input.ExcessCapacityTerminationPolicy ?? fleet.excess;
      spotFleets.setTarget(fleet, target);
      return { Return: true } satisfies sdk.ModifySpotFleetRequestResponse;
    },

    CancelSpotFleetRequests(input: sdk.CancelSpotFleetRequestsCommandInput) {
      const SuccessfulFleetRequests: sdk.CancelSpotFleetRequestsSuccessItem[] = [];
      const UnsuccessfulFleetRequests: sdk.CancelSpotFleetRequestsErrorItem[] = [];
      for (const id of input.SpotFleetRequestIds ?? []) {
        const fleet = spotFleets.fleets.get(id);
        const isCancelled = fleet?.state.startsWith('cancelled') ?? false;
        if (fleet === undefined || (isCancelled && !cancelsTwice)) {
          const Code = fleet === undefined ? 'fleetRequestIdDoesNotExist' : 'fleetRequestNotInCancellableState';
          UnsuccessfulFleetRequests.push({ SpotFleetRequestId: id, Error: { Code, Message: Code } });
          continue;
        }
        const PreviousSpotFleetRequestState = fleet.state;
        if (!isCancelled) spotFleets.cancel(fleet, input.TerminateInstances ?? false);
        SuccessfulFleetRequests.push({
          SpotFleetRequestId: id,
          CurrentSpotFleetRequestState: fleet.state,
          PreviousSpotFleetRequestState,
        });
      }
      return { SuccessfulFleetRequests, UnsuccessfulFleetRequests } satisfies sdk.CancelSpotFleetRequestsResponse;
    },
  };
}

/** What Application Auto Scaling knows of them: it is keyed by the request's id (AWS-CONTRACTS §6). */
export function createScalableTargetOperations(world: World, spotFleets: SpotFleets) {
  const PREFIX = 'spot-fleet-request/';
  return {
    DescribeScalableTargets(input: { ServiceNamespace?: string; ResourceIds?: readonly string[] }) {
      const ids = input.ServiceNamespace === 'ec2' ? (input.ResourceIds ?? []) : [];
      const found = ids.filter((id) => id.startsWith(PREFIX) && spotFleets.scalable.has(id.slice(PREFIX.length)));
      return {
        ScalableTargets: found.map((ResourceId) => ({
          ServiceNamespace: 'ec2',
          ResourceId,
          ScalableDimension: 'ec2:spot-fleet-request:TargetCapacity',
          MinCapacity: 0,
          MaxCapacity: 100,
          RoleARN: `arn:aws:iam::${world.accountId}:role/autoscaling`,
          CreationTime: new Date(world.clock.nowMs()),
        })),
      };
    },
  };
}
