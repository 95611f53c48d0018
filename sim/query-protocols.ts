/** The protocols of the older services: a form comes in, XML goes out. */
import { XmlShapeDeserializer, XmlShapeSerializer } from '@aws-sdk/core/protocols';
import { NormalizedSchema, SCHEMA } from '@smithy/core/schema';
import type { Members, Protocol, Reply, Schema, Service } from './protocols.ts';

const XML_SETTINGS = {
  timestampFormat: { useTrait: true, default: SCHEMA.TIMESTAMP_DATE_TIME },
  xmlNamespace: '',
  serviceNamespace: '',
} as const;
/** The namespace of an answer that comes from no service. */
const FAULT_NAMESPACE = 'http://webservices.amazon.com/AWSFault/2005-15-09';

const xmlReader = new XmlShapeDeserializer(XML_SETTINGS);

const decoder = new TextDecoder();

export const struct = (name: string, members: Readonly<Record<string, Schema>>): NormalizedSchema =>
  NormalizedSchema.of([3, '', name, 0, Object.keys(members), Object.values(members)]);

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

export const awsQuery: Protocol = {
  hasQueryErrors: true,
  refusals: {
    unsigned: ['MissingAuthenticationToken', 403],
    unknown: ['InvalidAction', 400],
    malformed: ['MalformedInput', 400],
    invalid: ['ValidationError', 400],
  },
  open({ body }) {
    const form = new URLSearchParams(decoder.decode(body));
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

/** Names are capitalised and lists flat on the way in; what is in `ec2QueryName` comes first (Smithy, AWS EC2 query protocol). */
function readEc2(shape: NormalizedSchema, value: unknown): unknown {
  if (shape.isListSchema()) return [value].flat().map((item) => readEc2(shape.getValueSchema(), item));
  if (!shape.isStructSchema()) return xmlReader.readSchema(shape, value);
  const given = value as Readonly<Members>;
  const input: Members = {};
  for (const [name, member] of shape.structIterator()) {
    const { ec2QueryName, xmlName = name } = member.getMergedTraits();
    const item = given[String(ec2QueryName ?? xmlName.charAt(0).toUpperCase() + xmlName.slice(1))];
    if (item !== undefined) input[name] = readEc2(member, item);
  }
  return input;
}

const EC2_ERRORS = struct('Errors', {
  Error: struct('Error', { Code: SCHEMA.STRING, Message: SCHEMA.STRING }).getSchema(),
}).getSchema();
const EC2_FAILURE = struct('Response', { Errors: EC2_ERRORS, RequestID: SCHEMA.STRING });

/** As awsQuery, but for the flat lists, an answer without a result element, and errors in a list. */
export const ec2Query: Protocol = {
  ...awsQuery,
  refusals: {
    unsigned: ['AuthFailure', 401],
    unknown: ['InvalidAction', 400],
    malformed: ['InvalidParameterValue', 400],
    invalid: ['MissingParameter', 400],
  },
  open(request, service) {
    const opened = awsQuery.open(request, service);
    return {
      ...opened,
      read: ({ input }) => readEc2(input, treeOf(new URLSearchParams(decoder.decode(request.body)))),
    };
  },
  output(service, { name, output: shape }, output, requestId) {
    const [, , , , names, members] = shape.getSchema() as unknown as readonly [
      3,
      string,
      string,
      0,
      string[],
      Schema[],
    ];
    const listed = Object.fromEntries(names.map((member, i) => [member, members[i] as Schema]));
    const reply = struct(`${name}Response`, { requestId: SCHEMA.STRING, ...listed });
    return xmlReply(service, 200, reply, { requestId, ...output });
  },
  error: (service, { code, message }, statusCode, requestId) =>
    xmlReply(service, statusCode, EC2_FAILURE, {
      Errors: { Error: { Code: code, Message: message } },
      RequestID: requestId,
    }),
};
