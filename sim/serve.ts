import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AwsError } from './aws-error.ts';
import type { WireRequest, WireResponse } from './wire.ts';
import { renderFault } from './wire.ts';

/** As much as Lambda takes for an asynchronous invocation; the requests of the other services are far smaller. */
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
    try {
      const { statusCode, headers, body } = await answer(incoming, handle);
      outgoing.statusCode = statusCode;
      for (const [name, value] of Object.entries(headers)) outgoing.setHeader(name, value);
      outgoing.end(body);
    } catch (error) {
      // A client that hung up before it had sent all is its own business.
      if (incoming.complete) complain(error);
      outgoing.destroy();
    }
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
  handle: (request: WireRequest) => Promise<WireResponse>,
): Promise<WireResponse> {
  const headers = Object.fromEntries(Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]));
  const body = await readBody(incoming);
  if (body === undefined) {
    const message = `The body is larger than ${MAX_BODY_BYTES} bytes`;
    return renderFault(headers, new AwsError('RequestEntityTooLarge', message, { statusCode: 413 }));
  }
  const [path = '/', search = ''] = (incoming.url ?? '/').split(/\?(.*)/s);
  const form = new URLSearchParams(search);
  const query = Object.fromEntries([...new Set(form.keys())].map((key) => [key, form.getAll(key)]));
  try {
    return await handle({ method: incoming.method ?? 'GET', path, query, headers, body });
  } catch (error) {
    complain(error);
    return renderFault(headers, new AwsError('InternalFailure', String(error), { statusCode: 500 }));
  }
}

/** What `handle` throws is a defect of the simulation: its client sees a 500, and whoever runs the server this. */
function complain(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
}

/** Reads on past the limit without keeping anything, because most clients read no answer before they have sent all. */
async function readBody(incoming: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks);
}
