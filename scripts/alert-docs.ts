import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Region } from '../sim/region.ts';
import { loadBundles, readScenario, run } from '../sim/run.ts';
import type { Scenario } from '../sim/scenario.ts';
import type { AlertKind, DrainAlertKind } from '../src/alert.ts';
import { familiesOf } from '../src/rollout/family.ts';
import { amiAlert } from '../src/rollout/release-message.ts';
import { compare } from '../src/rollout/watch.ts';
import { aRecommendation } from '../test/support/amis.ts';
import { resolvedExample, rolloutExamples } from './rollout-alert-docs.ts';

/** The runbook, and the forms of what is said of rollouts. */
export const PAGES = ['docs/operating.md', 'docs/rollout-alerts.md'] as const;

/** What SNS got. */
export interface Example {
  readonly subject: string;
  readonly bodies: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What drains and rollouts say, and what is said of the AMIs themselves. */
export type Examples = ReadonlyMap<AlertKind | 'amis', Example>;

const SEED = 1;

interface Scene {
  readonly scenario: string;
  /** What is different in it. */
  readonly change?: Partial<Scenario>;
  readonly watch?: (region: Region) => void;
}

/** Where each kind is heard. */
const SCENES: Readonly<Record<DrainAlertKind, Scene>> = {
  started: { scenario: 'standard' },
  drained: { scenario: 'standard' },
  restored: { scenario: 'replace-root-volume' },
  cancelled: { scenario: 'ordered', watch: setActiveAgain },
  'not-a-container-instance': { scenario: 'unregistered' },
  noticed: { scenario: 'rebalance-notify' },
  replacing: { scenario: 'rebalance-wave' },
  observed: { scenario: 'observe-mode' },
  resolved: { scenario: 'protected' },
  paused: { scenario: 'paused-midway' },
  reactivated: { scenario: 'reactivated' },
  misconfigured: { scenario: 'switch-garbled' },
  stuck: { scenario: 'min-max-100' },
  'hook-gone': { scenario: 'vanished' },
  forced: { scenario: 'min-max-100' },
  failed: {
    scenario: 'ordered',
    change: {
      events: [{ atSeconds: 10, order: { group: 'web-asg', count: 1, reason: 'patching', deadlineSeconds: 60 } }],
    },
  },
};

/** An operator thinks better of it. */
function setActiveAgain({ world, ecs }: Region): void {
  world.on((event) => {
    if (event.kind !== 'container-instance' || event.status !== 'DRAINING') return;
    world.clock.after(20_000, () => ecs.setStatus(event.instanceId, 'ACTIVE'));
  });
}

/** An alert of each kind, as the built bundles publish it in the simulator; of rollouts, as scripted courses come to it. */
export async function examples(): Promise<Examples> {
  const bundles = await loadBundles();
  const found = new Map<AlertKind, Example>();
  for (const [kind, { scenario, change, watch }] of Object.entries(SCENES)) {
    const heard: Example[] = [];
    const listen = ({ world, alertTopicArn }: Region) =>
      world.on((event) => {
        if (event.kind !== 'published' || event.topicArn !== alertTopicArn || event.attributes['kind'] !== kind) return;
        heard.push({ subject: event.subject ?? '', bodies: event.bodies, attributes: event.attributes });
      });
    await run({ ...readScenario(scenario), ...change }, SEED, {
      bundles,
      engine: 'store',
      watch: (region) => {
        listen(region);
        watch?.(region);
      },
    });
    if (heard[0] === undefined) throw new Error(`nobody hears ${kind} in the scenario ${scenario}`);
    found.set(kind as AlertKind, heard[0]);
  }
  return new Map<AlertKind | 'amis', Example>([...found, ...rolloutExamples(), ['amis', amisExample()]]);
}

/** Of a family at its end, looked at for the first time. */
function amisExample(): Example {
  const families = familiesOf(['al2']).filter(({ id }) => id.startsWith('al2/'));
  const parameters = families.flatMap((family) => aRecommendation(family));
  const findings = compare({ kind: 'seen', seen: {} }, families, parameters, Date.UTC(2026, 10, 23));
  const said = findings.flatMap(({ because }) => because ?? []);
  return amiAlert(said, { region: 'eu-west-1', accountId: '123456789012' });
}

function fenced(language: string, ...text: string[]): string {
  return [`\`\`\`${language}`, ...text, '```'].join('\n');
}

function mail({ subject, bodies }: Example): string {
  return fenced('text', `Subject: ${subject}`, '', bodies['email'] ?? '');
}

/** A row for each kind, the worst first. */
function kindTable(all: Examples): string {
  const rank = ['critical', 'warning', 'info'];
  const rows = [...all].map(([kind, { subject, attributes }]) => ({
    kind,
    subject,
    severity: attributes['severity'] ?? '',
  }));
  rows.sort((one, other) => rank.indexOf(one.severity) - rank.indexOf(other.severity));
  return [
    '| kind | severity | subject |',
    '|---|---|---|',
    ...rows.map(({ kind, severity, subject }) => `| [${kind}](#${kind}) | ${severity} | ${subject} |`),
  ].join('\n');
}

function forms(example: Example): string {
  const card = JSON.stringify(JSON.parse(example.bodies['https'] ?? ''), null, 2);
  return [
    'Mail (`email`):',
    mail(example),
    'A text message (`sms`):',
    fenced('text', example.bodies['sms'] ?? ''),
    'A card for a chat (`https`):',
    fenced('json', card),
    'JSON for machines (all other protocols):',
    fenced('json', example.bodies['default'] ?? ''),
    'Message attributes, to filter by:',
    fenced('json', JSON.stringify(example.attributes, null, 2)),
  ].join('\n\n');
}

/** The page with its examples as the code makes them now. */
export function withExamples(page: string, all: Examples): string {
  const blocks = new Map<string, string>([
    ['kinds', kindTable(all)],
    ['forms resolved of a rollout', forms(resolvedExample())],
  ]);
  for (const [kind, example] of all) {
    blocks.set(`mail ${kind}`, mail(example));
    blocks.set(`forms ${kind}`, forms(example));
  }
  return page.replace(/(<!-- example: (.*?) -->\n)[\s\S]*?(<!-- \/example -->)/g, (_all, start, name, end) => {
    const block = blocks.get(name);
    if (block === undefined) throw new Error(`there is no example of ${name}`);
    return `${start}\n${block}\n\n${end}`;
  });
}

if (import.meta.main) {
  const all = await examples();
  for (const name of PAGES) {
    const page = fileURLToPath(new URL(`../${name}`, import.meta.url));
    writeFileSync(page, withExamples(readFileSync(page, 'utf8'), all));
  }
}
