import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Examples } from '../scripts/alert-docs.ts';
import { examples, PAGES, withExamples } from '../scripts/alert-docs.ts';
import { withTables } from '../scripts/ami-docs.ts';
import { withTable } from '../scripts/scenario-docs.ts';
import { RUNBOOK, renderAlert } from '../src/alert.ts';
import { FAMILIES } from '../src/rollout/family.ts';
import { COPY_OF, MADE_BY, readTags, TAGS } from '../src/rollout/tags.ts';
import { root } from './cli/support.ts';

const pages = [
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => `docs/${name}`),
].filter((name) => name.endsWith('.md'));

describe('the documentation', () => {
  it('lists the members of a scenario as the schema has them (npm run docs writes them)', () => {
    const page = readFileSync(join(root, 'docs/simulator.md'), 'utf8');
    expect(page).toBe(withTable(page));
    expect(page).toContain('| `clusters[].services[].minimumHealthyPercent` |');
  });

  it('lists every family of AMIs as the code has them (npm run docs writes them)', () => {
    const page = readFileSync(join(root, 'docs/amis.md'), 'utf8');
    expect(page).toBe(withTables(page));
    expect(page.match(/^\| `[a-z0-9-]+` \| `/gm)).toHaveLength(FAMILIES.length);
  });

  it('lists every tag of a fleet as the code has them, those that rollouts write too (npm run docs writes them)', () => {
    const page = readFileSync(join(root, 'docs/amis.md'), 'utf8');
    const [, table = ''] = /<!-- tags:[^>]*-->\n([\s\S]*?)<!-- \/tags -->/.exec(page) ?? [];
    expect([...table.matchAll(/^\| `(ecs-drain:[a-z-]+)` \|/gm)].map(([, tag]) => tag)).toEqual([
      ...Object.keys(TAGS),
      COPY_OF,
      MADE_BY,
    ]);
    expect(page).toBe(withTables(page));
  });

  it('has an example fleet whose tags are read as they are meant', () => {
    const page = readFileSync(join(root, 'docs/amis.md'), 'utf8');
    const example = /<!-- example fleet -->\n\n```json\n([\s\S]*?)```/.exec(page)?.[1] ?? '{}';
    expect(readTags(JSON.parse(example))).toMatchObject({
      mode: 'auto',
      wave: 2,
      minimumAgeSeconds: 3 * 86_400,
      checkpoints: [25, 50],
      bakeSeconds: 3_600,
      window: { zone: 'Europe/Berlin', minutes: 180 },
    });
  });

  it.each(pages)('%s links only to files that exist', (name) => {
    const links = [...readFileSync(join(root, name), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)].map(
      (match) => match[1] ?? '',
    );
    for (const link of links) expect(existsSync(join(root, dirname(name), link)), link).toBe(true);
  });

  it.each(pages)('%s links only to headings that exist', (name) => {
    // As GitHub makes them: lower case, without signs, a hyphen for each space.
    const anchorOf = (heading: string): string =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-');
    const headings = (page: string): string[] =>
      [...readFileSync(join(root, page), 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => anchorOf(text));
    const links = readFileSync(join(root, name), 'utf8').matchAll(/\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)/g);
    for (const [, file = '', anchor = ''] of links) {
      const page = file === '' ? name : join(dirname(name), file);
      if (page.endsWith('.md')) expect(headings(page), `${page}#${anchor}`).toContain(anchor);
    }
  });

  it.each(['README.md', RUNBOOK])('%s leads to all that there is to know of rollouts', (name) => {
    const text = readFileSync(join(root, name), 'utf8');
    for (const part of [
      'from-nothing-to-a-first-automatic-patch',
      'what-aws-announces-and-what-it-does-not',
      'every-tag',
      'who-owns-the-launch-template',
      'limits',
    ])
      expect(text).toContain(`amis.md#${part})`);
    expect(text).toContain('No rollout has ever run against AWS.');
  });

  it.each(pages)('%s names only npm scripts that exist', (name) => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const named = [...readFileSync(join(root, name), 'utf8').matchAll(/npm run ([a-z:-]+)/g)].map(
      (match) => match[1] ?? '',
    );
    for (const script of named) expect(Object.keys(scripts)).toContain(script);
  });

  it.each(pages)('%s deploys with no command that leaves the mode out, for then it would be act again', (name) => {
    const commands = readFileSync(join(root, name), 'utf8').match(/^ *npx serverless deploy .*$/gm) ?? [];
    for (const command of commands) expect(command).toMatch(/--param="Mode=\w+"/);
    if (name === 'docs/amis.md') expect(commands.join()).toContain('--param="Rollouts=on"');
  });

  it('claims nothing about security without a test of that file, by that name', () => {
    const page = readFileSync(join(root, 'SECURITY.md'), 'utf8');
    const claims = [...page.matchAll(/`(test\/[\w./-]+)`((?:[,;] “[^”]+”)*)/g)];

    expect(claims.length).toBeGreaterThan(20);
    for (const [, file = '', names = ''] of claims) {
      const source = readFileSync(join(root, file), 'utf8');
      for (const [, name = ''] of names.matchAll(/“([^”]+)”/g))
        expect(source, `${file}: ${name}`).toContain(`'${name}'`);
    }
  });

  it('has a changelog that knows the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const page = readFileSync(join(root, 'CHANGELOG.md'), 'utf8');

    expect(page).toMatch(/^## \[Unreleased\]$/m);
    expect(page).toContain(version);
  });
});

describe('the page about operating', () => {
  const page = () => readFileSync(join(root, RUNBOOK), 'utf8');
  const block = (language: string): string =>
    new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page())?.[1] ?? expect.fail(`there is no ${language}`);
  let all: Examples;
  beforeAll(async () => {
    all = await examples();
  }, 60_000);

  it.each(PAGES)('%s shows the alerts as the code publishes them (npm run docs writes them)', (name) => {
    const text = readFileSync(join(root, name), 'utf8');
    expect(text).toContain('<!-- example: ');
    expect(text).toBe(withExamples(text, all));
  });

  it('has beside it every form of each kind that only rollouts have, and of what is over with one', () => {
    const forms = readFileSync(join(root, 'docs/rollout-alerts.md'), 'utf8').matchAll(/<!-- example: forms (.*) -->/g);
    const shown = new Set([...forms].map(([, kind]) => kind));
    const ofRollouts = [...all].filter(([, { attributes }]) => attributes['family'] !== undefined);
    expect(ofRollouts.length).toBeGreaterThan(10);
    expect(shown).toEqual(new Set([...ofRollouts.map(([kind]) => kind), 'resolved of a rollout']));
  });

  it('has an entry for each kind of alert, with its example, and the alert leads to it', () => {
    expect(all.has('amis')).toBe(true);
    for (const [kind, { bodies }] of all) {
      expect(bodies['email'], kind).toContain(`Runbook: ${RUNBOOK}#${kind}`);
      const [, entry = ''] = page().split(`\n### ${kind}\n`);
      const own = entry.split('\n##')[0] ?? '';
      expect(own, kind).toContain(bodies['email']);
      for (const part of ['Means', 'Look at', 'Do', 'Stop it']) expect(own, kind).toContain(`- **${part}**: `);
    }
  });

  it('sends nobody to an order that does nothing: the tag goes first', () => {
    const [, entry = ''] = page().split('\n### image-available\n');
    const [, what = ''] = /- \*\*Do\*\*: (.*)/.exec(entry) ?? [];
    expect(what.indexOf('`ecs-drain:ami`')).toBeGreaterThan(0);
    expect(what.indexOf('rollout start')).toBeGreaterThan(what.indexOf('`ecs-drain:ami`'));
  });

  it('has only entries that say what it means, what to look at, what to do and how to stop it', () => {
    const runbook = page().slice(page().indexOf('## Runbook: alerts'));
    const entries = runbook.split('\n### ').slice(1);
    expect(entries.length).toBeGreaterThan(all.size + 7);
    for (const entry of entries)
      expect(entry).toMatch(
        /^[a-z-]+\n\n- \*\*Means\*\*: .*\n- \*\*Look at\*\*: .*\n- \*\*Do\*\*: .*\n- \*\*Stop it\*\*: /,
      );
  });

  it('leads nowhere within itself that is not there', () => {
    for (const [, anchor] of page().matchAll(/\]\(#([a-z-]+)\)/g)) expect(page()).toContain(`\n### ${anchor}\n`);
  });

  it('suggests a filter that is silent about what is only information, and not about what is over, nor about alarms', () => {
    const policy = JSON.parse(block('json filter'));
    const passes = [...all.values()].filter(({ attributes }) => passesFilter(policy, attributes));
    const severities = passes.filter(({ attributes }) => attributes['resolves'] === undefined);
    expect(new Set(severities.map(({ attributes }) => attributes['severity']))).toEqual(
      new Set(['warning', 'critical']),
    );
    expect(passes.map(({ attributes }) => attributes['kind'])).toContain('resolved');
    const drained = all.get('drained')?.attributes ?? {};
    expect(passesFilter(policy, drained)).toBe(false);
    expect(passesFilter(policy, { ...drained, resolves: 'stuck' })).toBe(true);
    // A CloudWatch alarm.
    expect(passesFilter(policy, {})).toBe(true);
  });

  it('has code for PagerDuty that opens and closes incidents as the JSON says, and alarms too', () => {
    // Prepare
    const about = { drain: 'i-0a1b2c3d-1', instanceId: 'i-0a1b2c3d', group: 'web-asg', cluster: 'web', details: [] };
    const cards = [
      { ...about, kind: 'started', because: 'It begins.' },
      { ...about, kind: 'stuck', because: 'No capacity.' },
      { ...about, kind: 'forced', because: 'Cut off.', resolves: ['stuck', 'paused'] },
      { ...about, kind: 'drained', because: 'Done.', resolves: ['misconfigured'] },
    ].map((alert) => renderAlert(alert as Parameters<typeof renderAlert>[0], 'arn:aws:sns:eu-west-1:1:a').bodies.https);
    const alarm = (NewStateValue: string) =>
      JSON.stringify({ AlarmName: 'ecs-drain-dead-letters', AlarmDescription: 'Read them.', NewStateValue });

    // Act
    const events = [...cards, alarm('ALARM'), alarm('OK')].map((Message) => {
      const emitted: { event_type: string; incident_key: string; description: string }[] = [];
      const PD = {
        Trigger: 'trigger',
        Resolve: 'resolve',
        inputRequest: { rawBody: JSON.stringify({ Type: 'Notification', Message }) },
        emitGenericEvents: (some: typeof emitted) => emitted.push(...some),
      };
      new Function('PD', block('js pagerduty'))(PD);
      return emitted.map(({ event_type, incident_key }) => `${event_type} ${incident_key}`);
    });

    // Assess
    expect(events).toEqual([
      [],
      ['trigger ecs-drain/i-0a1b2c3d-1/stuck'],
      [
        'trigger ecs-drain/i-0a1b2c3d-1/forced',
        'resolve ecs-drain/i-0a1b2c3d-1/stuck',
        'resolve ecs-drain/i-0a1b2c3d-1/paused',
      ],
      ['resolve ecs-drain/i-0a1b2c3d-1/misconfigured'],
      ['trigger ecs-drain-dead-letters'],
      ['resolve ecs-drain-dead-letters'],
    ]);
  });
});

type Filter = Readonly<Record<string, readonly unknown[]>>;

/** As much of SNS's filter policies over attributes as the page uses: values, `exists`, and `$or` of policies. */
function passesFilter(policy: Filter, attributes: Readonly<Record<string, string>>): boolean {
  return Object.entries(policy).every(([name, wanted]) => {
    if (name === '$or') return wanted.some((one) => passesFilter(one as Filter, attributes));
    const value = attributes[name];
    return wanted.some((matcher) =>
      typeof matcher === 'object' && matcher !== null && 'exists' in matcher
        ? matcher.exists === (value !== undefined)
        : matcher === value,
    );
  });
}
