/**
 * The three protocols that our services speak, from the server's side. Shapes, both ways, come from the schemas that
 * the SDK clients export, so nothing in here knows a single operation.
 */
import {
  JsonShapeDeserializer2,
  JsonShapeSerializer2,
  XmlShapeDeserializer,
  XmlShapeSerializer,
} from '@aws-sdk/core/protocols';
import { FromStringShapeDeserializer, ToStringShapeSerializer } from '@smithy/core/protocols';
import { NormalizedSchema, SCHEMA } from '@smithy/core/schema';
import type { AwsError, Operations } from './aws-error.ts';
import { once } from './once.ts';

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

/** What sets one protocol apart. ec2Query is one more of these and a line in PROTOCOLS. */
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
const XML_SETTINGS = {
  timestampFormat: { useTrait: true, default: SCHEMA.TIMESTAMP_DATE_TIME },
  xmlNamespace: '',
  serviceNamespace: '',
} as const;
/** The namespace of an answer that comes from no service. */
const FAULT_NAMESPACE = 'http://webservices.amazon.com/AWSFault/2005-15-09';

const jsonReader = new JsonShapeDeserializer2(JSON_SETTINGS);
const jsonWriter = new JsonShapeSerializer2(JSON_SETTINGS);
const stringReader = new FromStringShapeDeserializer(JSON_SETTINGS);
const stringWriter = new ToStringShapeSerializer(JSON_SETTINGS);
const xmlReader = new XmlShapeDeserializer(XML_SETTINGS);

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

const struct = (name: string, members: Readonly<Record<string, Schema>>): NormalizedSchema =>
  NormalizedSchema.of([3, '', name, 0, Object.keys(members), Object.values(members)]);

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

type Tree = Map<string, Tree | string>;

/** `A.member.1.B=x` as what the same structure would be in XML; numbered children are a list there. */
function treeOf(form: URLSearchParams): unknown {
  const root: Tree = new Map();
  for (const [key, value] of form) {
    const steps = key.split('.');
    const last = steps.pop() ?? '';
    let node = root;
    for (const step of steps) {
      const child = node.get(step);
      const next: Tree = child instanceof Map ? child : new Map();
      node.set(step, next);
      node = next;
    }
    node.set(last, value);
  }
  const plain = (node: Tree | string): unknown => {
    if (typeof node === 'string') return node;
    const object = Object.fromEntries([...node].map(([key, child]) => [key, plain(child)]));
    // Objects keep whole-number keys in the order of the numbers.
    return node.size > 0 && [...node.keys()].every((key) => /^\d+$/.test(key)) ? Object.values(object) : object;
  };
  return plain(root);
}

function xmlReply(service: Service | undefined, statusCode: number, shape: NormalizedSchema, value: unknown): Reply {
  const xmlNamespace = String(service?.xmlNamespace ?? FAULT_NAMESPACE);
  const writer = new XmlShapeSerializer({ ...XML_SETTINGS, xmlNamespace });
  writer.write(shape, value);
  // Most control characters are not XML even when escaped; a strict parser would refuse the whole answer.
  const body = String(writer.flush()).replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD');
  return { statusCode, headers: { 'content-type': 'text/xml' }, body };
}

const RESPONSE_METADATA = struct('ResponseMetadata', { RequestId: SCHEMA.STRING }).getSchema();

const awsQuery: Protocol = {
  hasQueryErrors: true,
  refusals: {
    unsigned: ['MissingAuthenticationToken', 403],
    unknown: ['InvalidAction', 400],
    malformed: ['MalformedInput', 400],
    invalid: ['ValidationError', 400],
  },
  open({ body }) {
    const form = new URLSearchParams(text(body));
    const operation = form.get('Action') ?? '';
    return {
      operation,
      unknown: `Could not find operation ${operation} for version ${form.get('Version')}`,
      read: ({ input }) => xmlReader.readSchema(input, treeOf(form)) ?? {},
    };
  },
  output(service, { name, output: shape }, output, requestId) {
    const result = `${name}Result`;
    const members = {
      ...(!shape.isUnitSchema() && { [result]: shape.getSchema() }),
      ResponseMetadata: RESPONSE_METADATA,
    };
    const value = { [result]: output, ResponseMetadata: { RequestId: requestId } };
    return xmlReply(service, 200, struct(`${name}Response`, members), value);
  },
  error(service, { code, message, fields }, statusCode, requestId) {
    const error = { Type: statusCode < 500 ? 'Sender' : 'Receiver', Code: code, Message: message, ...fields };
    // The errors of query services have no members but plain ones.
    const members = Object.fromEntries(Object.keys(error).map((name) => [name, SCHEMA.STRING]));
    const shape = struct('ErrorResponse', { Error: struct('Error', members).getSchema(), RequestId: SCHEMA.STRING });
    return xmlReply(service, statusCode, shape, { Error: error, RequestId: requestId });
  },
};

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
  'aws.protocols#restJson1': restJson,
};

/** The protocol of a request that names no service we have. */
export function guessProtocol(headers: WireRequest['headers']): Protocol {
  if (headers['x-amz-target'] !== undefined) return awsJson1_1;
  return headers['content-type']?.startsWith('application/x-www-form-urlencoded') ? awsQuery : restJson;
}
