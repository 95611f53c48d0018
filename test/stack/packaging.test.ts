import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HANDLERS } from '../../scripts/build.ts';
import { selfContained } from '../../scripts/package-template.ts';
import type { Template } from '../support/cloudformation.ts';
import { packaged, read, serverlessPackage, temporaryFolder } from './support.ts';

let folder: string;
let osls: Template;
let alone: Template;

beforeAll(async () => {
  folder = await packaged();
  osls = read(join(folder, 'cloudformation-template-update-stack.json'));
  alone = read(join(folder, 'ecs-drain.template.json'));
});

const hashOf = (file: string, encoding: 'hex' | 'base64') =>
  createHash('sha256').update(readFileSync(file)).digest(encoding);

describe('the self-contained template', () => {
  it('has the resources of osls’s, but for its bucket and where the code is', () => {
    const {
      ServerlessDeploymentBucket: _,
      ServerlessDeploymentBucketPolicy: __,
      ...expected
    } = structuredClone(osls.Resources);
    const { ...actual } = structuredClone(alone.Resources);
    for (const resource of [...Object.values(expected), ...Object.values(actual)])
      delete (resource.Properties as { Code?: unknown }).Code;

    expect(actual).toEqual(expected);
  });

  it('has its conditions, outputs and parameters too, and two more for the code', () => {
    const { ServerlessDeploymentBucketName: _, ...outputs } = osls.Outputs;
    const { CodeBucket, CodePrefix, ...parameters } = alone.Parameters;

    expect(alone.Conditions).toEqual(osls.Conditions);
    expect(Object.keys(alone.Outputs)).toEqual(Object.keys(outputs));
    expect(parameters).toEqual(osls.Parameters);
    expect(CodeBucket).not.toHaveProperty('Default');
    expect(CodePrefix).toMatchObject({ Default: 'ecs-drain/' });
  });

  it('depends on nothing of osls: no bucket, no exports, no names of its own', () => {
    expect(JSON.stringify(alone)).not.toMatch(/[Ss]erverless|Export|sls-/);
  });

  it('is too large for a request (51,200 bytes), so that every page has it uploaded, and small enough for that (1 MB)', () => {
    const { size } = statSync(join(folder, 'ecs-drain.template.json'));

    // Should it ever fit again, uploading it would be asking too much: docs/decisions/004-stack.md.
    expect(size).toBeGreaterThan(51_200);
    expect(size).toBeLessThan(200_000);
  });

  it('takes its code from keys that have the hash of the code in them', () => {
    const keys = Object.values(alone.Resources).flatMap(({ Type, Properties }) => {
      if (Type !== 'AWS::Lambda::Function') return [];
      const { S3Bucket, S3Key } = Properties['Code'] as { S3Bucket: unknown; S3Key: { 'Fn::Sub': string } };
      expect(S3Bucket).toEqual({ Ref: 'CodeBucket' });
      return [S3Key['Fn::Sub'].replace(/^\$\{CodePrefix\}/, '')];
    });

    expect(keys.sort()).toEqual(readdirSync(join(folder, 'code')).sort());
    for (const key of keys) {
      const [, name = '', hash = ''] = /^([A-Za-z-]+)-([0-9a-f]{16})\.zip$/.exec(key) ?? [];
      expect(hashOf(join(folder, 'code', key), 'hex')).toMatch(new RegExp(`^${hash}`));
      expect(hashOf(join(folder, 'code', key), 'hex')).toBe(hashOf(join(folder, `${name}.zip`), 'hex'));
    }
  });

  it.each([
    ['Drain', 'drain.zip'],
    ['AmiUpdate', 'amiUpdate.zip'],
  ])('publishes a version of the very code of %s', (durable, zip) => {
    const [version] = Object.entries(alone.Resources).flatMap(([id, resource]) =>
      id.startsWith(`${durable}LambdaVersion`) ? [resource] : [],
    );

    expect(version?.Properties['CodeSha256']).toBe(hashOf(join(folder, zip), 'base64'));
  });

  it('comes with the sums of itself, of all that is to be uploaded, and of what that is made of', () => {
    const sums = readFileSync(join(folder, 'SHA256SUMS'), 'utf8').trimEnd().split('\n');
    const files = sums.map((line) => line.slice(66));

    expect(files).toEqual(
      [
        ...readdirSync(join(folder, 'code')).map((name) => `code/${name}`),
        ...HANDLERS.map((name) => `${name}.cdx.json`),
        'ecs-drain.template.json',
      ].sort(),
    );
    for (const line of sums) expect(line).toBe(`${hashOf(join(folder, line.slice(66)), 'hex')}  ${line.slice(66)}`);
  });

  it('leaves what it is made from as it was', () => {
    const before = structuredClone(osls);

    selfContained(osls as never, (zip) => zip);

    expect(osls).toEqual(before);
  });
});

describe('serverless package', () => {
  const folders: string[] = [];
  const fresh = () => {
    folders.push(temporaryFolder());
    return folders.at(-1) ?? '';
  };
  afterAll(() => {
    for (const used of folders) rmSync(used, { recursive: true });
  });

  it('refuses wrong parameters before it has made anything', async () => {
    const there = fresh();

    await expect(serverlessPackage(there, '--param=Mode=sleep', '--param=Mod=act')).rejects.toMatchObject({
      stdout: expect.stringMatching(
        /There is no parameter Mod: [\s\S]*Mode must be act, observe or pause, not "sleep"\./,
      ),
    });
    expect(existsSync(join(there, '.serverless/drain.zip'))).toBe(false);
  });

  it('passes parameters to both stacks that osls makes, and makes the same bytes twice', async () => {
    const there = fresh();

    await serverlessPackage(there, '--param=Mode=observe', '--param=AllowedClusters=prod-*');

    const { provider } = JSON.parse(readFileSync(join(there, '.serverless/serverless-state.json'), 'utf8')).service;
    expect(provider.stackParameters).toContainEqual({ ParameterKey: 'Mode', ParameterValue: 'observe' });
    expect(provider.stackParameters).toContainEqual({ ParameterKey: 'AllowedClusters', ParameterValue: 'prod-*' });
    expect(provider.stackParameters).toHaveLength(Object.keys(osls.Parameters).length);
    // CloudFormation refuses a parameter that the template does not have, and the first stack has nothing but a bucket.
    expect(provider.coreCloudFormationTemplate.Parameters).toEqual(osls.Parameters);
    const again = read(join(there, '.serverless/cloudformation-template-update-stack.json'));
    expect(selfContained(again as never, String)).toEqual(selfContained(osls as never, String));
    for (const zip of ['drain.zip', 'intake.zip', 'amiUpdate.zip']) {
      expect(hashOf(join(there, '.serverless', zip), 'hex')).toBe(hashOf(join(folder, zip), 'hex'));
    }
  });
});
