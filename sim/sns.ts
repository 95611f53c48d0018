import type * as sdk from '@aws-sdk/client-sns';
import type { MessageAttributeValue, PublishCommandInput } from '@aws-sdk/client-sns';
import type { Operations } from './aws-error.ts';
import { AwsError } from './aws-error.ts';
import type { HookNotice, World } from './world.ts';

const MAX_MESSAGE_BYTES = 256 * 2 ** 10;
/** How late a second copy, or a delivery that others overtake, may be. */
const LATE_MS = 60_000;

export interface SnsOptions {
  /** Hands an event to a function, asynchronously: `deliver` of the simulated Lambda. */
  readonly deliver: (functionName: string, event: unknown) => void;
  /** Probabilities from 0 to 1, by seed, for each delivery (AWS-CONTRACTS §2: deliveries can repeat and reorder). */
  readonly faults?: { readonly duplicate?: number | undefined; readonly reorder?: number | undefined } | undefined;
}

export interface Sns {
  readonly operations: Operations;
  /** Creates a topic, or finds it; answers with its ARN. */
  createTopic(name: string): string;
  /** Subscribes a function; answers with the subscription's ARN. */
  subscribe(topicArn: string, functionName: string): string;
  /** Subscribes somebody outside the region, who gets nothing here and is only listed. */
  subscribeOutside(topicArn: string, subscriber: Subscriber): void;
}

interface Subscription {
  readonly arn: string;
  readonly functionName: string;
}

export interface Subscriber {
  readonly protocol: string;
  readonly endpoint: string;
  /** Whoever gets mail or HTTPS has to agree first. */
  readonly confirmed: boolean;
}

interface Message {
  readonly id: string;
  readonly subject: string | undefined;
  readonly bodies: { readonly default: string; readonly lambda?: string };
  readonly attributes: Readonly<Record<string, MessageAttributeValue>>;
}

const invalid = (because: string): AwsError => new AwsError('InvalidParameter', `Invalid parameter: ${because}`);

/**
 * What each protocol's subscribers get. `MessageStructure: "json"` needs a default, which goes to all that are not named;
 * a value that is not text is passed over (AWS-CONTRACTS §2).
 */
function bodiesOf(message: string, structure: string | undefined): { default: string } & Record<string, string> {
  if (structure === undefined) return { default: message };
  if (structure !== 'json') throw invalid('MessageStructure');
  let bodies: unknown;
  try {
    bodies = JSON.parse(message);
  } catch {
    throw invalid('Message Structure - JSON message body failed to parse');
  }
  const { default: fallback, ...others } = (bodies ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof fallback !== 'string') throw invalid('Message Structure - No default entry in JSON message body');
  return { ...Object.fromEntries(Object.entries(others).filter(isText)), default: fallback };
}

function isText(entry: [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string';
}

/** Attribute values as text, as the `published` event tells them. */
function attributeTexts(attributes: Readonly<Record<string, MessageAttributeValue>>): Record<string, string> {
  const texts = Object.entries(attributes).map(([name, { DataType, StringValue, BinaryValue }]) => {
    const value = StringValue || (BinaryValue?.length ? Buffer.from(BinaryValue).toString('base64') : '');
    if (!DataType || !value) {
      const message = `The message attribute '${name}' must contain non-empty message attribute type and value.`;
      throw new AwsError('ParameterValueInvalid', message);
    }
    return [name, value] as const;
  });
  return Object.fromEntries(texts);
}

/** Amazon SNS with functions as subscribers. */
export function createSns(world: World, { deliver, faults = {} }: SnsOptions): Sns {
  const { clock, region } = world;
  const random = world.random('sns');
  const topics = new Map<string, Subscription[]>();
  const outside = new Map<string, sdk.Subscription[]>();

  /** The shape of samples/sns-lambda.*.json. */
  const lambdaEvent = (topicArn: string, { arn }: Subscription, message: Message): object => ({
    Records: [
      {
        EventSource: 'aws:sns',
        EventVersion: '1.0',
        EventSubscriptionArn: arn,
        Sns: {
          Type: 'Notification',
          MessageId: message.id,
          TopicArn: topicArn,
          Subject: message.subject ?? null,
          Message: message.bodies.lambda ?? message.bodies.default,
          Timestamp: new Date(clock.nowMs()).toISOString(),
          SignatureVersion: '1',
          Signature: 'EXAMPLE',
          SigningCertUrl: `https://sns.${region}.amazonaws.com/SimpleNotificationService-0000000000000000000000.pem`,
          UnsubscribeUrl: `https://sns.${region}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn=${arn}`,
          MessageAttributes: Object.fromEntries(
            Object.entries(attributeTexts(message.attributes)).map(([name, Value]) => [
              name,
              { Type: message.attributes[name]?.DataType, Value },
            ]),
          ),
        },
      },
    ],
  });

  const publish = (topicArn: string, message: Message): void => {
    const attributes = attributeTexts(message.attributes);
    const { subject, bodies } = message;
    world.emit({ kind: 'published', topicArn, subject, message: bodies.default, bodies, attributes });
    for (const subscription of topics.get(topicArn) ?? []) {
      const event = lambdaEvent(topicArn, subscription, message);
      const copies = random.chance(faults.duplicate ?? 0) ? 2 : 1;
      for (let copy = 1; copy <= copies; copy++) {
        const late = copy > 1 || random.chance(faults.reorder ?? 0);
        const afterMs = random.int(20, 100) + (late ? random.int(0, LATE_MS) : 0);
        clock.after(afterMs, () => deliver(subscription.functionName, event));
      }
    }
  };

  /** Auto Scaling's own notice of a hook, with the subject of the captured sample (AWS-CONTRACTS §1). */
  const notify = ({ targetArn = '', message }: HookNotice, instanceId: string): void => {
    if (!topics.has(targetArn)) return;
    const action = message['LifecycleTransition']?.replace('autoscaling:EC2_INSTANCE_', '');
    const subject = `Auto Scaling:  Lifecycle action '${action}' for instance ${instanceId} in progress.`;
    const bodies = { default: JSON.stringify(message) };
    const id = random.uuid();
    clock.after(random.int(100, 300), () => publish(targetArn, { id, subject, bodies, attributes: {} }));
  };
  world.on((event) => {
    if (event.kind === 'hook-waiting') notify(event.notice, event.instanceId);
  });

  return {
    createTopic(name) {
      const arn = `arn:aws:sns:${region}:${world.accountId}:${name}`;
      if (!topics.has(arn)) topics.set(arn, []);
      return arn;
    },
    subscribe(topicArn, functionName) {
      const arn = `${topicArn}:${random.uuid()}`;
      topics.get(topicArn)?.push({ arn, functionName });
      return arn;
    },
    subscribeOutside(topicArn, { protocol, endpoint, confirmed }) {
      // An unconfirmed one has no ARN yet, and this in its place (SNS developer guide and API examples).
      const SubscriptionArn = confirmed ? `${topicArn}:${random.uuid()}` : 'PendingConfirmation';
      const listed = { SubscriptionArn, Owner: world.accountId, Protocol: protocol, Endpoint: endpoint };
      outside.set(topicArn, [...(outside.get(topicArn) ?? []), { ...listed, TopicArn: topicArn }]);
    },
    operations: {
      /** "Up to 100" on a page (API reference); the token is how many came before. */
      ListSubscriptionsByTopic({ TopicArn = '', NextToken }: sdk.ListSubscriptionsByTopicCommandInput) {
        if (!topics.has(TopicArn)) throw new AwsError('NotFound', 'Topic does not exist', { statusCode: 404 });
        const functions = (topics.get(TopicArn) ?? []).map(({ arn, functionName }) => ({
          SubscriptionArn: arn,
          Owner: world.accountId,
          Protocol: 'lambda',
          Endpoint: `arn:aws:lambda:${region}:${world.accountId}:function:${functionName}`,
          TopicArn,
        }));
        const all = [...functions, ...(outside.get(TopicArn) ?? [])];
        const to = Number(NextToken ?? 0) + 100;
        return {
          Subscriptions: all.slice(to - 100, to),
          ...(to < all.length ? { NextToken: String(to) } : {}),
        } satisfies sdk.ListSubscriptionsByTopicResponse;
      },
      Publish(input: PublishCommandInput) {
        const { Message = '', Subject, MessageStructure, MessageAttributes = {} } = input;
        const topicArn = input.TopicArn ?? input.TargetArn ?? '';
        if (!/^arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w-]+(\.fifo)?$/.test(topicArn)) throw invalid('TopicArn');
        if (!topics.has(topicArn)) throw new AwsError('NotFound', 'Topic does not exist', { statusCode: 404 });
        if (Message === '') throw invalid('Empty message');
        // Shorter than 100 characters, no line breaks, no control characters (AWS-CONTRACTS §2).
        if (Subject !== undefined && !/^[^\p{Cc}\u2028\u2029]{1,99}$/u.test(Subject)) throw invalid('Subject');
        const attributes = Object.entries(attributeTexts(MessageAttributes)).flat().join('');
        if (Buffer.byteLength(Message) + Buffer.byteLength(attributes) > MAX_MESSAGE_BYTES) {
          throw invalid('Message too long');
        }
        const bodies = bodiesOf(Message, MessageStructure);
        const id = random.uuid();
        publish(topicArn, { id, subject: Subject, bodies, attributes: MessageAttributes });
        return { MessageId: id };
      },
    },
  };
}
