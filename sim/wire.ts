/** From a request to a call, from a call to its answer: what every simulated service has in common. */
import { NormalizedSchema } from '@smithy/core/schema';
import type { Operations } from './aws-error.ts';
import { AwsError } from './aws-error.ts';
import { once } from './once.ts';
import type {
  Members,
  ModelledError,
  Operation,
  Protocol,
  Received,
  Reply,
  Schema,
  Service,
  WireRequest,
  WireResponse,
} from './protocols.ts';
import { guessProtocol, PROTOCOLS } from './protocols.ts';
import { CLIENTS, OPENED_BY_CALL } from './sdk-clients.ts';

export type { WireRequest, WireResponse } from './protocols.ts';

/** A request as it was understood. What could not be told from it is an empty string. */
export interface WireCall {
  readonly service: string;
  readonly operation: string;
  readonly input: unknown;
  /** Why it is refused before its operation sees it. */
  readonly refusal: AwsError | undefined;
  /** How its answer has to be written. */
  readonly protocol: Protocol;
}

export interface Dispatcher {
  /** Never throws: what is wrong with a request becomes the call's refusal. */
  parse(request: WireRequest): WireCall;
  /** Carries a call out, synchronously. Throws the AwsError that it is refused with; anything else is a defect. */
  perform(call: WireCall): WireResponse;
  renderError(call: WireCall, error: AwsError): WireResponse;
}

/** The static schemas of clients are arrays that begin with their kind, namespace, name and traits. */
const OPERATION_KIND = 9;
const ERROR_KIND = -3;
type OperationSchema = readonly [9, string, string, { http?: Operation['http'] }, Schema, Schema];

/** A modelled error and the code it has on the wire, which in query services is not always the shape's name. */
function openError(protocol: Protocol, schema: Schema): [string, ModelledError] {
  const shape = NormalizedSchema.of(schema);
  const { error: fault, httpError, awsQueryError } = shape.getMergedTraits();
  // JSON services may have this trait too, and ignore it: SSM answers ParameterNotFound with 400, not with the 404 in it.
  const [code, status] = ((protocol.hasQueryErrors && awsQueryError) || []) as [string?, number?];
  const statusCode = status ?? (httpError as number | undefined) ?? (fault === 'server' ? 500 : undefined);
  return [code ?? String(shape.getName()), { shape, statusCode }];
}

type Model = Omit<Service, 'operations'> & { operation(name: string): Omit<Operation, 'run'> };

/** What a client knows of its service. */
function openModel(id: string): Model {
  const client = Object.hasOwn(CLIENTS, id) ? CLIENTS[id] : undefined;
  if (client === undefined) throw new Error(`There is no SDK client for the service ${id} here`);
  const [exported, Client] = client();
  const { protocol: spoken, protocolSettings } = new Client({ region: 'us-east-1' }).config;
  const protocol = PROTOCOLS[String(spoken?.getShapeId())];
  if (protocol === undefined) throw new Error(`${id} speaks ${spoken?.getShapeId()}, which is not implemented`);

  const schemas = Object.entries(exported as Record<string, unknown>).filter(([, schema]) => Array.isArray(schema));
  const known = new Map(schemas as [string, [number, ...unknown[]]][]);
  const errors = [...known.values()].filter(([kind]) => kind === ERROR_KIND) as unknown as Schema[];
  return {
    id,
    protocol,
    target: protocolSettings?.['serviceTarget'],
    xmlNamespace: protocolSettings?.['xmlNamespace'],
    errors: new Map(errors.map((schema) => openError(protocol, schema))),
    operation: once((name: string) => {
      const schema = known.get(`${name}$`);
      if (schema?.[0] !== OPERATION_KIND) throw new Error(`${id} has no operation ${name}`);
      const [, , , { http }, input, output] = schema as unknown as OperationSchema;
      return { name, input: NormalizedSchema.of(input), output: NormalizedSchema.of(output), http };
    }),
  };
}

const modelOf = once(openModel);

/** A service's model, joined with the operations that exist of it here. */
function openService(id: string, operations: Operations): Service {
  const model = modelOf(id);
  const open = ([name, run]: [string, Operations[string]]): [string, Operation] => [
    name,
    { ...model.operation(name), run },
  ];
  return { ...model, operations: new Map(Object.entries(operations).map(open)) };
}

interface Misfits {
  readonly missing: string[];
  readonly wrong: string[];
}

const isPlainObject = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && [Object.prototype, null].includes(Object.getPrototypeOf(value));

function isOfKind(shape: NormalizedSchema, value: unknown): boolean {
  if (shape.isStringSchema()) return typeof value === 'string';
  if (shape.isNumericSchema()) return Number.isFinite(value);
  if (shape.isBooleanSchema()) return typeof value === 'boolean';
  if (shape.isTimestampSchema()) return value instanceof Date && Number.isFinite(value.getTime());
  if (shape.isBlobSchema()) return ArrayBuffer.isView(value);
  return shape.isUnitSchema() || shape.isDocumentSchema();
}

const structureOf = once((schema: Schema) => {
  // The first so many members of a structure are the required ones.
  const [, , , , names, , required = 0] = schema as Extract<Schema, readonly [3 | -3, ...unknown[]]>;
  return { members: new Map(NormalizedSchema.of(schema).structIterator()), required: names.slice(0, required) };
});

/** Where a value departs from its shape: required members that are missing, and what is unknown or of another kind. */
function misfitsOf(
  shape: NormalizedSchema,
  value: unknown,
  at = '',
  found: Misfits = { missing: [], wrong: [] },
): Misfits {
  const below = (step: string): string => (at === '' ? step : `${at}.${step}`);
  if (shape.isStructSchema() && isPlainObject(value)) {
    const { members, required } = structureOf(shape.getSchema());
    for (const name of required) if ((value[name] ?? undefined) === undefined) found.missing.push(below(name));
    for (const [name, item] of Object.entries(value)) {
      const member = members.get(name);
      if (member === undefined) found.wrong.push(below(name));
      else if (item !== undefined && item !== null) misfitsOf(member, item, below(name), found);
    }
  } else if (shape.isListSchema() && Array.isArray(value)) {
    const member = shape.getValueSchema();
    value.forEach((item, index) => void misfitsOf(member, item, below(`${index + 1}.member`), found));
  } else if (shape.isMapSchema() && isPlainObject(value)) {
    const member = shape.getValueSchema();
    for (const [key, item] of Object.entries(value)) misfitsOf(member, item, below(key), found);
  } else if (!isOfKind(shape, value)) found.wrong.push(at);
  return found;
}

/** Why an input is not let through to its operation, if it is not. */
function refusalOf({ id, protocol }: Service, shape: NormalizedSchema, input: unknown): AwsError | undefined {
  const { missing, wrong } = misfitsOf(shape, input);
  if (wrong[0] !== undefined) return refusal(protocol, 'malformed', `The value at '${wrong[0]}' is not of its type`);
  if (missing[0] === undefined) return undefined;
  const path = missing[0].replace(/(?<![^.])[A-Z]/g, (letter) => letter.toLowerCase());
  // "Tasks cannot be empty." is how ECS answers DescribeTasks; that it uses the same words for all is a guess.
  const forEcs = `${path.charAt(0).toUpperCase()}${path.slice(1)} cannot be empty.`;
  if (id === 'ecs') return new AwsError('InvalidParameterException', forEcs);
  const message = `1 validation error detected: Value null at '${path}' failed to satisfy constraint: Member must not be null`;
  return refusal(protocol, 'invalid', message);
}

function refusal(protocol: Protocol, why: keyof Protocol['refusals'], message: string): AwsError {
  const [code, statusCode] = protocol.refusals[why];
  return new AwsError(code, message, { statusCode });
}

const encoder = new TextEncoder();

function receive(request: WireRequest): Received {
  const { method, path, query, headers, body = '' } = request;
  const lowered = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
  return {
    method,
    path,
    query,
    headers: lowered,
    body: typeof body === 'string' ? encoder.encode(body) : body,
  };
}

function finish({ statusCode, headers, body }: Reply, requestId: string): WireResponse {
  const bytes = typeof body === 'string' ? encoder.encode(body) : body;
  return { statusCode, headers: { ...headers, 'x-amzn-requestid': requestId }, body: bytes };
}

/** An error for a request that never became a call, in the form that its sender can most likely read. */
export function renderFault(headers: WireRequest['headers'], error: AwsError): WireResponse {
  return finish(guessProtocol(headers).error(undefined, error, error.statusCode, ''), '');
}

/** The parts of the wire, for a caller that has to know a call before it is carried out, or answer in its place. */
export function createDispatcher(services: Readonly<Record<string, Operations>>): Dispatcher {
  const opened = new Map<string, Service>();
  const serviceOf = (id: string): Service | undefined => {
    const operations = Object.hasOwn(services, id) ? services[id] : undefined;
    const service = opened.get(id) ?? (operations && openService(id, operations));
    if (service) opened.set(id, service);
    return service;
  };
  // What AWS does not have shows at once.
  for (const id of Object.keys(services)) if (!OPENED_BY_CALL.has(id)) serviceOf(id);
  let answers = 0;
  const nextRequestId = (): string => `00000000-0000-4000-8000-${String(++answers).padStart(12, '0')}`;

  return {
    parse(raw) {
      const request = receive(raw);
      const scope = /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\/aws4_request/.exec(request.headers['authorization'] ?? '');
      const id = scope?.[1] ?? '';
      const service = serviceOf(id);
      const protocol = service?.protocol ?? guessProtocol(request.headers);
      const call = { service: id, operation: '', input: undefined, refusal: undefined, protocol };
      if (id === '') {
        return { ...call, refusal: refusal(protocol, 'unsigned', 'Request is missing Authentication Token') };
      }
      const { operation: name, unknown, read } = protocol.open(request, service);
      const operation = service?.operations.get(name);
      if (service === undefined || operation === undefined) {
        return { ...call, operation: name, refusal: refusal(protocol, 'unknown', unknown) };
      }
      try {
        const input = read(operation);
        return { ...call, operation: name, input, refusal: refusalOf(service, operation.input, input) };
      } catch (error) {
        return { ...call, operation: name, refusal: refusal(protocol, 'malformed', String(error)) };
      }
    },

    perform(call) {
      if (call.refusal !== undefined) throw call.refusal;
      const service = serviceOf(call.service);
      const operation = service?.operations.get(call.operation);
      if (service === undefined || operation === undefined) throw new Error('perform takes only what parse returned');
      const output = operation.run(call.input);
      const { missing, wrong } = misfitsOf(operation.output, output);
      if (missing.length + wrong.length > 0) {
        const departures = [...missing.map((at) => `no ${at}`), ...wrong.map((at) => `unfit ${at}`)];
        throw new TypeError(`The output of ${call.service}:${operation.name} has ${departures.join(', ')}`);
      }
      const requestId = nextRequestId();
      return finish(service.protocol.output(service, operation, output as Members, requestId), requestId);
    },

    renderError(call, error) {
      const service = serviceOf(call.service);
      // The model knows better: what is thrown says a status only for codes that are not modelled.
      const statusCode = service?.errors.get(error.code)?.statusCode ?? error.statusCode;
      const requestId = nextRequestId();
      return finish(call.protocol.error(service, error, statusCode, requestId), requestId);
    },
  };
}

/** Carries out a call that was parsed; what it is refused with becomes its answer. */
export function answerTo(dispatcher: Dispatcher, call: WireCall): { response: WireResponse; error?: AwsError } {
  try {
    return { response: dispatcher.perform(call) };
  } catch (error) {
    // Anything else is a defect of ours, which no client may mistake for an answer of AWS.
    if (!(error instanceof AwsError)) throw error;
    return { response: dispatcher.renderError(call, error), error };
  }
}

/** The wire as one function; it rejects only by a defect of ours. */
export function createWire(
  services: Readonly<Record<string, Operations>>,
  onCall?: (call: { service: string; operation: string; input: unknown; error: AwsError | undefined }) => void,
): (request: WireRequest) => Promise<WireResponse> {
  const dispatcher = createDispatcher(services);
  return async (request) => {
    const call = dispatcher.parse(request);
    const { service, operation, input } = call;
    const { response, error } = answerTo(dispatcher, call);
    onCall?.({ service, operation, input, error });
    return response;
  };
}
