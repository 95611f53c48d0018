import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Measure, MetricsPort } from '../ports.ts';

/**
 * Writes the measures to standard output in the embedded metric format, from which CloudWatch makes metrics without a
 * call of ours. Dimensions: the function, and where it has one, the outcome; never an instance, and no cluster, for each
 * combination is a metric that is paid for (AWS-CONTRACTS §2).
 */
export function metricsPort(functionName: string): MetricsPort {
  const metrics = new Metrics({ namespace: 'ecs-drain', serviceName: functionName });
  const emit = ({ name, unit, value, outcome }: Measure): void => {
    const metric = metrics.singleMetric();
    if (outcome !== undefined) metric.addDimension('outcome', outcome);
    metric.addMetric(name, unit, value);
  };
  return { emit: (measures) => measures.forEach(emit) };
}
