import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsError } from './aws-error.ts';
import type { WireRequest, WireResponse } from './wire.ts';
import { renderFault } from './wire.ts';

/** No request that we simulate comes near it; SNS and Lambda's asynchronous invocations end at 256 KiB and 1 MB. */
const MAX_BODY_BYTES = 1024 * 1024;

export interface Server {
  readonly port: number;
  /** Resolves when the port is free again and no connection is left. */
  close(): Promise<void>;
}

/** Puts HTTP before `handle`, on loopback only. Port 0 takes a free one. Rejects if the port cannot be had. */
export async function serve(
  handle: (request: WireRequest) => Promise<WireResponse>,
  options: { port: number; host?: '127.0.0.1' | '::1' },
): Promise<Server> {
  const server = createServer(async (incoming, outgoing) => {
    const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
    const { statusCode, headers: answered, body } = await answer(incoming, headers, handle);
    outgoing.statusCode = statusCode;
    for (const [name, value] of Object.entries(answered)) outgoing.setHeader(name, value);
    outgoing.end(body);
  });
  await once(server.listen(options.port, options.host ?? '127.0.0.1'), 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  incoming: IncomingMessage,
  headers: Record<string, string>,
  handle: (request: WireRequest) => Promise<WireResponse>,
): Promise<WireResponse> {
  try {
    const body = await readBody(incoming);
    if (body === undefined) {
      const message = `The body is larger than ${MAX_BODY_BYTES} bytes`;
      return renderFault(headers, new AwsError('RequestEntityTooLarge', message, { statusCode: 413 }));
    }
    const { pathname, searchParams } = new URL(incoming.url ?? '/', 'http://localhost');
    const query = Object.fromEntries([...new Set(searchParams.keys())].map((key) => [key, searchParams.getAll(key)]));
    return await handle({ method: incoming.method ?? 'GET', path: pathname, query, headers, body });
  } catch (error) {
    // A client that hangs up is its own business; all else that comes here is a defect of the simulation.
    if (incoming.complete) process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    return renderFault(headers, new AwsError('InternalFailure', String(error), { statusCode: 500 }));
  }
}

/** Reads on past the limit without keeping anything, because most clients read no answer before they have sent all. */
async function readBody(incoming: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks);
}
