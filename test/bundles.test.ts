import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HANDLERS } from '../scripts/build.ts';
import * as durableLambda from '../src/aws/durable-lambda.ts';
import { root } from './cli/support.ts';

/** More than half a megabyte is EC2's client, of which the bundler can leave out little. */
const MOST_BYTES: Readonly<Record<string, number>> = { 'ami-update': 1_400_000, 'ami-watch': 1_000_000 };

describe.each(HANDLERS)('the bundle of %s', (name) => {
  const path = `${root}dist/${name}/index.mjs`;

  const mostBytes = MOST_BYTES[name] ?? 750_000;

  it(`is at most ${mostBytes / 1_000} KB`, () => {
    expect(statSync(path).size).toBeLessThanOrEqual(mostBytes);
  });

  it('takes its credentials from the environment alone', () => {
    expect(readFileSync(path, 'utf8')).not.toContain('sso_start_url');
  });

  it('knows no address but AWS’s, and no address by number: there is no telemetry', () => {
    const source = readFileSync(path, 'utf8');
    const addresses = [...new Set([...source.matchAll(/https?:\/\/[^\s"'`\\)>]+/g)].map(([address]) => address))];

    expect(addresses.length).toBeGreaterThan(5);
    expect(addresses.filter((address) => !isOfAws(address) && !isRead(address))).toEqual([]);
    expect([...source.matchAll(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g)].map(([address]) => address)).toEqual([METADATA]);
  });
});

it('what the build leaves of Lambda’s client for the durable SDK is what that takes of it', () => {
  const sdk = readFileSync(`${root}node_modules/@aws/durable-execution-sdk-js/dist/index.mjs`, 'utf8');
  // Its own name for the package that it imports.
  const taken = new Set([...sdk.matchAll(/\bmodule\.([A-Z]\w+)/g)].map(([, name]) => name));

  expect([...taken].sort()).toEqual(Object.keys(durableLambda).sort());
});

/** `{PartitionResult#dnsSuffix}` is where the SDK's endpoint rules put `amazonaws.com`, or what it is elsewhere. */
const isOfAws = (address: string): boolean =>
  /^https?:\/\/(?:[\w.{}-]+\.)?(?:amazonaws\.com|amazon\.com|\{PartitionResult#(?:dnsSuffix|dualStackDnsSuffix)\})(?:\/.*)?$/.test(
    address,
  );

/** The machine's own, which leads nowhere else. The SDK asks it in its defaults mode `auto` alone, which nothing here sets. */
const METADATA = '169.254.169.254';

/** In words that the SDK's authors wrote for people, in the package.json of its clients, and in announcements of AMIs. */
const FOR_PEOPLE = [
  'https://github.com/aws/amazon-ecs-ami/releases/tag/',
  'https://github.com/bottlerocket-os/bottlerocket/releases/tag/',
  'https://a.co/c895JFp',
  'https://github.com/aws/aws-sdk-js-v3',
  'https://react-native.canny.io/feature-requests/p/fetch-streaming-body',
];
const isRead = (address: string): boolean => FOR_PEOPLE.some((known) => address.startsWith(known));

describe('an address', () => {
  it.each([
    'https://telemetry.example.com/v1',
    'https://amazonaws.com.example.com',
    'https://notamazonaws.com',
    'http://203.0.113.7/',
  ])('like %s would be seen', (address) => {
    expect(isOfAws(address) || isRead(address)).toBe(false);
  });
});
