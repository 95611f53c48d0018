import type { Core } from './checkpoint-store.ts';

/** A built bundle: what Lambda gets, and the same with its platform given from outside. */
interface Bundle {
  readonly create: (platform: {
    environment: Record<string, string>;
    requestHandler: unknown;
  }) => (event: never, context: never) => Promise<unknown>;
}

/** A durable function's bundle also exports its program without the durable SDK. */
interface DurableBundle extends Bundle {
  readonly connect: (platform: Parameters<Bundle['create']>[0]) => Core;
}

export interface Bundles {
  readonly intake: Bundle;
  readonly drain: DurableBundle;
  readonly amiWatch: Bundle;
  readonly amiUpdate: DurableBundle;
}

/** The bundles of dist/, imported once: their code is shared by all runs of this process, as an environment's is. */
export async function loadBundles(): Promise<Bundles> {
  // A bundle reads its settings when it is imported, as on Lambda; these are never used, `create` gets the run's own.
  const restore = overlay(process.env, {
    AWS_REGION: 'us-east-1',
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    ALERT_TOPIC_ARN: 'arn:aws:sns:us-east-1:123456789012:unused',
    LIFECYCLE_TOPIC_ARN: 'arn:aws:sns:us-east-1:123456789012:unused',
    DRAIN_FUNCTION_ARN: 'arn:aws:lambda:us-east-1:123456789012:function:unused:durable',
    RELEASE_TOPIC_ARN: 'arn:aws:sns:us-east-1:123456789012:unused',
    SEEN_PARAMETER: '/unused',
    AMI_UPDATE_FUNCTION_ARN: 'arn:aws:lambda:us-east-1:123456789012:function:unused:durable',
    PARAMETER_PREFIX: '/unused',
  });
  try {
    const load = async (name: string) => import(new URL(`../dist/${name}/index.mjs`, import.meta.url).href);
    return {
      intake: await load('intake'),
      drain: await load('drain'),
      amiWatch: await load('ami-watch'),
      amiUpdate: await load('ami-update'),
    };
  } finally {
    restore();
  }
}

/** Sets these values; the answer sets back what was there before. */
export function overlay(target: NodeJS.ProcessEnv, values: Record<string, string>): () => void {
  const before = Object.fromEntries(Object.keys(values).map((name) => [name, target[name]]));
  Object.assign(target, values);
  return () => {
    for (const [name, value] of Object.entries(before)) {
      if (value === undefined) delete target[name];
      else target[name] = value;
    }
  };
}
