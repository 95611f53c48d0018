import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Parameters } from '../../scripts/parameters.ts';
import { accepts } from '../../scripts/parameters.ts';
import type { Template as Described } from '../../scripts/stack-docs.ts';
import { withTables } from '../../scripts/stack-docs.ts';
import { readDrainConfig } from '../../src/config.ts';
import { readSwitch } from '../../src/drain/switch.ts';
import type { Template } from '../support/cloudformation.ts';
import { packaged, read, root } from './support.ts';

const page = (name: string) => readFileSync(join(root, 'docs', name), 'utf8');
const blocksOf = (name: string, language: string): string[] =>
  [...page(name).matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, block = '']) => block);
const examples = () =>
  ['sh', 'hcl', 'ts']
    .flatMap((language) => blocksOf('deploying.md', language))
    .join('\n')
    .replaceAll('$region', 'eu-west-1');

let template: Template;
let parameters: Parameters;

beforeAll(async () => {
  template = read(join(await packaged(), 'ecs-drain.template.json'));
  parameters = template.Parameters as unknown as Parameters;
});

describe('the pages about the stack', () => {
  it.each(['configuration.md', 'deploying.md'])(
    '%s has its tables as the template has them (npm run docs writes them)',
    (name) => {
      expect(page(name)).toBe(withTables(page(name), template as unknown as Described));
      expect(page(name)).toMatch(/^\| `?(Name|DrainRole)`? \|/m);
    },
  );

  it('name only parameters that there are, with values that they accept', () => {
    const named = [
      ...examples().matchAll(/--param="([A-Z]\w+)=([^"]+)"/g),
      ...examples().matchAll(/ParameterKey=(\w+),ParameterValue="?([\w-]+)/g),
      ...examples().matchAll(/(?<= )([A-Z]\w+)=([\w-]+)(?= |$)/gm),
      ...examples().matchAll(/^ {4}([A-Z]\w+) += "([^"]+)"$/gm),
      ...examples().matchAll(/(?<=[{,] )([A-Z]\w+): '([^']+)'/g),
    ];

    expect(named.length).toBeGreaterThan(8);
    for (const [text, name = '', value = ''] of named.filter(([text]) => !/Enabled|OrganizationalUnit/.test(text))) {
      const parameter = parameters[name] ?? expect.fail(`${text}: there is no such parameter`);
      expect(accepts(parameter, value), text).toBe(true);
    }
  });

  it('name only outputs and resources that there are', () => {
    const outputs = [...examples().matchAll(/outputs\["(\w+)"\]/g)].map(([, name = '']) => name);
    const resources = [...examples().matchAll(/getResource\('(\w+)'\)/g)].map(([, name = '']) => name);

    expect(Object.keys(template.Outputs)).toEqual(expect.arrayContaining(outputs));
    expect(Object.keys(template.Resources)).toEqual(expect.arrayContaining(resources));
    expect([outputs.length, resources.length]).toEqual([2, 2]);
  });

  it('upload the template wherever they deploy it, for it is too large for a request', () => {
    expect(examples()).not.toMatch(/--template-body|template_body/);
    expect(examples().match(/cloudformation deploy .*\\\n.*--s3-bucket|--template-url|template_url/g)).toHaveLength(3);
  });

  it('have policies that are JSON', () => {
    const policies = blocksOf('deploying.md', 'json').map((block) => JSON.parse(block));

    expect(policies).toHaveLength(2);
    for (const policy of policies)
      expect(policy).toMatchObject({ Version: '2012-10-17', Statement: expect.any(Array) });
  });

  it('have a key policy that lets in every service that the template lets near what is encrypted', () => {
    const services = [
      ...JSON.stringify(template.Resources).matchAll(/"Principal":\{"Service":"(\w+)\.amazonaws\.com"\}/g),
    ]
      .map(([, service]) => `${service}.amazonaws.com`)
      .filter((service) => !/^(lambda|autoscaling)\./.test(service));

    expect(services.length).toBeGreaterThan(2);
    for (const service of services) expect(blocksOf('deploying.md', 'json')[0]).toContain(`"${service}"`);
  });

  it('have a switch that the code reads', () => {
    const { policy } = readDrainConfig({
      ALERT_TOPIC_ARN: 'arn:aws:sns:eu-west-1:123456789012:alerts',
      LIFECYCLE_TOPIC_ARN: 'arn:aws:sns:eu-west-1:123456789012:lifecycle',
    });
    const [example = ''] = blocksOf('configuration.md', 'json');

    expect(readSwitch(example, 'batch-asg', policy)).toMatchObject({
      mode: 'observe',
      policy: { deadlineSeconds: 3600 },
    });
    expect(readSwitch(example, 'web-asg', policy)).toMatchObject({
      mode: 'act',
      policy: { deadlineSeconds: 3600, stopStandaloneAfterSeconds: 900, rebalance: 'replace' },
    });
  });
});
