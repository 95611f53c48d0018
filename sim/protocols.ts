/**
 * The protocols that our services speak, from the server's side. Shapes, both ways, come from the schemas that
 * the SDK clients export, so nothing in here knows a single operation.
 */
import { JsonShapeDeserializer2, JsonShapeSerializer2 } from '@aws-sdk/core/protocols';
import { FromStringShapeDeserializer, ToStringShapeSerializer } from '@smithy/core/protocols';
import { type NormalizedSchema, SCHEMA } from '@smithy/core/schema';
import type { AwsError, Operations } from './aws-error.ts';
import { once } from './once.ts';
import { awsQuery, ec2Query, struct } from './query-protocols.ts';

export interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | string[] | null | undefined>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string | undefined;
}

export interface WireResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

export type Schema = ReturnType<NormalizedSchema['getSchema']>;
export type Members = Record<string, unknown>;

export interface Operation {
  readonly name: string;
  readonly input: NormalizedSchema;
  readonly output: NormalizedSchema;
  /** Method, path template and status, where the protocol has them. */
  readonly http: readonly [string, string, number] | undefined;
  readonly run: Operations[string];
}

export interface Service {
  readonly id: string;
  readonly protocol: Protocol;
  readonly target: unknown;
  readonly xmlNamespace: unknown;
  readonly operations: ReadonlyMap<string, Operation>;
  /** By the code that is on the wire. */
  readonly errors: ReadonlyMap<string, ModelledError>;
}

export interface ModelledError {
  readonly shape: NormalizedSchema;
  /** As far as the model says it. */
  readonly statusCode: number | undefined;
}

/** A request with its header names in lower case and its body in bytes. */
export type Received = WireRequest & { readonly body: Uint8Array };

/** A response before it gets its request id. */
export type Reply = Omit<WireResponse, 'body'> & { readonly body: Uint8Array | string };

/** What sets one protocol apart. */
export interface Protocol {
  /** Code and status of what is refused before an operation sees it. */
  readonly refusals: Readonly<Record<'unsigned' | 'unknown' | 'malformed' | 'invalid', readonly [string, number]>>;
  /** Whether the awsQueryError trait names the errors. */
  readonly hasQueryErrors?: true;
  /** Which operation a request asks for, what to say if there is none, and how to read its input if there is. */
  open(
    request: Received,
    service: Service | undefined,
  ): { operation: string; unknown: string; read(operation: Operation): unknown };
  output(service: Service, operation: Operation, output: Members, requestId: string): Reply;
  error(service: Service | undefined, error: AwsError, statusCode: number, requestId: string): Reply;
}

const JSON_SETTINGS = {
  timestampFormat: { useTrait: true, default: SCHEMA.TIMESTAMP_EPOCH_SECONDS },
  httpBindings: true,
  jsonName: true,
} as const;
const jsonReader = new JsonShapeDeserializer2(JSON_SETTINGS);
const jsonWriter = new JsonShapeSerializer2(JSON_SETTINGS);
const stringReader = new FromStringShapeDeserializer(JSON_SETTINGS);
const stringWriter = new ToStringShapeSerializer(JSON_SETTINGS);

const decoder = new TextDecoder();
const text = (body: Uint8Array): string => decoder.decode(body);
const parseJson = (body: Uint8Array) => JSON.parse(text(body) || '{}');

function toJson(shape: NormalizedSchema, value: unknown): Uint8Array | string {
  if (shape.isUnitSchema()) return '';
  jsonWriter.write(shape, value);
  const bytes = jsonWriter.flush();
  // The writer's own class of bytes warns when anything treats it as a string.
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

const awsJson = (version: '1.0' | '1.1'): Protocol => ({
  refusals: {
    unsigned: ['MissingAuthenticationTokenException', 400],
    unknown: ['UnknownOperationException', 400],
    malformed: ['SerializationException', 400],
    invalid: ['ValidationException', 400],
  },
  open({ headers, body }, service) {
    const target = headers['x-amz-target'] ?? '';
    const [prefix, operation = ''] = target.split('.');
    return {
      operation: service === undefined || service.target === prefix ? operation : '',
      unknown: `Unknown operation ${target}`,
      read: ({ input }) => jsonReader.readObject(input, parseJson(body)),
    };
  },
  output: (_service, operation, output) => ({
    statusCode: 200,
    headers: { 'content-type': `application/x-amz-json-${version}` },
    body: toJson(operation.output, output),
  }),
  error: (_service, { code, message, fields }, statusCode) => ({
    statusCode,
    headers: { 'content-type': `application/x-amz-json-${version}`, 'x-amzn-errortype': code },
    body: JSON.stringify({ ...fields, __type: code, message }),
  }),
});

const awsJson1_1 = awsJson('1.1');

/** Writes each member where its http trait puts it: a header, the status, the whole body, or a part of a JSON body. */
function restReply(status: number, shape: NormalizedSchema, value: Readonly<Members>): Reply {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  const inBody: Members = {};
  let statusCode = status;
  let payload: Reply['body'] | undefined;
  for (const [name, member] of shape.structIterator()) {
    const { httpHeader, httpResponseCode, httpPayload } = member.getMergedTraits();
    const item = value[name] ?? undefined;
    if (httpPayload) payload = item === undefined ? '' : toJson(member, item);
    else if (item === undefined) continue;
    else if (httpResponseCode) statusCode = Number(item);
    else if (httpHeader !== undefined) {
      stringWriter.write(member, item);
      headers[httpHeader.toLowerCase()] = stringWriter.flush();
    } else inBody[name] = item;
  }
  return { statusCode, headers, body: payload ?? toJson(shape, inBody) };
}

/** Reads each member from where its http trait puts it. */
function readRest(shape: NormalizedSchema, request: Received, labels: Readonly<Record<string, string>>): Members {
  const input: Members = {};
  let inBody: Members | undefined;
  for (const [name, member] of shape.structIterator()) {
    const { httpLabel, httpHeader, httpQuery, httpPayload } = member.getMergedTraits();
    if (httpLabel || httpHeader !== undefined || httpQuery !== undefined) {
      const raw = httpLabel
        ? labels[name]
        : (request.headers[httpHeader?.toLowerCase() ?? ''] ?? request.query[httpQuery ?? '']);
      const [first, ...others] = [raw ?? []].flat();
      if (first === undefined) continue;
      input[name] = member.isListSchema()
        ? [first, ...others].map((item) => stringReader.read(member.getValueSchema(), item))
        : stringReader.read(member, first);
    } else if (httpPayload) {
      if (request.body.length === 0) continue;
      input[name] = member.isBlobSchema() ? request.body : jsonReader.readObject(member, parseJson(request.body));
    } else {
      inBody ??= jsonReader.readObject(shape, parseJson(request.body)) as Members;
      if (inBody[name] !== undefined) input[name] = inBody[name];
    }
  }
  return input;
}

const UNMODELLED_ERROR = struct('Error', { message: SCHEMA.STRING });

/** A label takes one segment of the path; the slashes of an ARN in it are encoded. */
const pathPattern = once((template: string) => {
  const pattern = template.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)');
  return new RegExp(`^${pattern}/?$`);
});

const restJson: Protocol = {
  refusals: {
    ...awsJson1_1.refusals,
    unsigned: ['MissingAuthenticationTokenException', 403],
    unknown: ['UnknownOperationException', 404],
  },
  open(request, service) {
    for (const { name, http } of service?.operations.values() ?? []) {
      const [method, template = ''] = http ?? [];
      const match = method === request.method && pathPattern(template).exec(request.path);
      if (!match) continue;
      const read = ({ input }: Operation): Members => {
        const labels = Object.entries(match.groups ?? {}).map(([label, raw]) => [label, decodeURIComponent(raw)]);
        return readRest(input, request, Object.fromEntries(labels));
      };
      return { operation: name, unknown: '', read };
    }
    const operation = `${request.method} ${request.path}`;
    return { operation, unknown: `Unknown operation ${operation}`, read: () => ({}) };
  },
  output: (_service, { output: shape, http }, output) => restReply(http?.[2] ?? 200, shape, output),
  error(service, { code, message, fields }, statusCode) {
    // The model of each error spells its message its own way, and only the spelling that it has is written.
    const value = { Type: statusCode < 500 ? 'User' : 'Service', ...fields, message, Message: message };
    const reply = restReply(statusCode, service?.errors.get(code)?.shape ?? UNMODELLED_ERROR, value);
    return { ...reply, headers: { ...reply.headers, 'x-amzn-errortype': code } };
  },
};

/** By the name that a client has for the protocol it speaks. */
export const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  'aws.protocols#awsJson1_0': awsJson('1.0'),
  'aws.protocols#awsJson1_1': awsJson1_1,
  'aws.protocols#awsQuery': awsQuery,
  'aws.protocols#ec2Query': ec2Query,
  'aws.protocols#restJson1': restJson,
};

/** The protocol of a request that names no service we have. */
export function guessProtocol(headers: WireRequest['headers']): Protocol {
  if (headers['x-amz-target'] !== undefined) return awsJson1_1;
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') ? awsQuery : restJson;
}
