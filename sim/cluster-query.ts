import { AwsError } from './aws-error.ts';
import type { ContainerInstance } from './ecs-state.ts';

const EXPRESSION = /^\s*(ec2InstanceId|agentConnected|attribute:[\w.\-/]+)\s*(==|!=|!in\b|in\b)\s*(.+?)\s*$/;

const unquoted = (text: string): string => text.trim().replace(/^(['"])(.*)\1$/, '$2');

function subjectOf(instance: ContainerInstance, subject: string): string | undefined {
  if (subject === 'ec2InstanceId') return instance.ec2InstanceId;
  if (subject === 'agentConnected') return String(instance.agentConnected);
  return instance.attributes.get(subject.slice('attribute:'.length));
}

/**
 * The part of the cluster query language that filters and constraints use here: one subject, `==`, `!=`, `in` or `!in`
 * (AWS-CONTRACTS §3). An instance without the attribute meets neither form, as in ECS (containers-roadmap#486).
 * @throws AwsError InvalidParameterException for any other expression; its wording is UNVERIFIED.
 */
export function parseQuery(expression: string): (instance: ContainerInstance) => boolean {
  const [, subject = '', operator = '', argument = ''] = EXPRESSION.exec(expression) ?? [];
  const list = /^\[(.*)\]$/.exec(argument)?.[1];
  if (subject === '' || operator.endsWith('in') !== (list !== undefined)) {
    throw new AwsError('InvalidParameterException', `Invalid filter expression: ${expression}`);
  }
  const values = new Set(list === undefined ? [unquoted(argument)] : list.split(',').map(unquoted));
  const wanted = !operator.startsWith('!');
  return (instance) => {
    const value = subjectOf(instance, subject);
    return value !== undefined && values.has(value) === wanted;
  };
}
