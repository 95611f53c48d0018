import type { Command } from 'commander';
import type { FleetImage, Standing } from '../src/operator/amis.ts';
import { imagesInUse } from '../src/operator/amis.ts';
import { lookAtImages } from './amis-look.ts';
import type { Line } from './lines.ts';
import { plain, printLines } from './lines.ts';
import type { Answer, OperatorOptions } from './operate.ts';
import { inRegions, talksToAws } from './operate.ts';
import { exitCodeOf } from './status.ts';
import { renderProblems } from './status-view.ts';
import { count, wrap } from './text.ts';
import type { Print, Run } from './usage.ts';

/** One region's images in use, the worst first. */
export interface AmisShown {
  readonly images: readonly FleetImage[];
  readonly notes: readonly string[];
}

export function addAmis(program: Command, run: Run, print: Print): void {
  const command = program
    .command('amis')
    .description('which image each fleet runs, how old and how many releases behind it is, and what is recommended');
  talksToAws(command).action((options: OperatorOptions) => run(amis(options, print)));
}

async function amis(options: OperatorOptions, print: Print): Promise<number> {
  const answers = await inRegions(options, async (here): Promise<AmisShown> => {
    const { seen, notes } = await lookAtImages(here);
    return { images: imagesInUse(seen), notes };
  });
  if (options.json) print(JSON.stringify({ schema: 1, command: 'amis', regions: answers.map(flat) }, null, 2));
  else printLines(answers.flatMap(renderAmis), print);
  return exitCodeOf(answers);
}

function flat(answer: Answer<AmisShown>): object {
  if (!answer.ok) return answer;
  const { region, ok, value } = answer;
  return { region, ok, ...value };
}

const BAD: ReadonlySet<Standing> = new Set(['gone', 'ended', 'deprecated']);

/** One region's images in use, as lines of 80 columns. Pure. */
export function renderAmis(answer: Answer<AmisShown>): Line[] {
  if (!answer.ok) return renderProblems([answer]);
  const { region, value } = answer;
  const { images, notes } = value;
  const fleets = new Set(images.map(({ fleet }) => fleet)).size;
  const old = new Set(images.filter(isOld).map(({ fleet }) => fleet)).size;
  const head = `${region}: ${count(fleets, 'fleet')} with images of ECS, ${old} not up to date`;
  return [
    { text: wrap(head, '  ').join('\n'), tone: 'strong' },
    ...(images.length === 0 ? [] : [{ text: `${columns('runs', 'old', 'behind')}fleet, and its image` }]),
    ...images.flatMap(renderImage),
    ...renderRecommended(images),
    ...notes.flatMap((note) => plain(wrap(`${region}: ${note}`, '  '), 'warn')),
  ];
}

function isOld({ standing }: FleetImage): boolean {
  return BAD.has(standing) || standing === 'behind';
}

function columns(runs: string, old: string, behind: string): string {
  return `${runs.padStart(4)} ${old.padStart(6)} ${behind.padStart(10)}  `;
}

const INDENT = ' '.repeat(columns('', '', '').length);

function renderImage(image: FleetImage): Line[] {
  const { fleet, family, version, imageId, instances, isLaunched, ageDays, mode, standing } = image;
  const numbers = columns(String(instances), days(ageDays), behindWords(image));
  const [first = '', ...more] = wrap(`${INDENT}${fleet}${mode === undefined ? '' : `, ${mode}`}`, `${INDENT}  `);
  const texts = [
    family === undefined ? imageId : `${family} ${version} (${imageId})`,
    ...image.notes,
    ...(isLaunched && instances === 0 ? ['what it launches next: no instance of it runs it'] : []),
    ...(isLaunched === false && instances > 0 ? ['it launches another image by now'] : []),
  ];
  const tone = BAD.has(standing) ? 'bad' : standing === 'behind' ? 'warn' : undefined;
  return [
    ...plain([`${numbers}${first.slice(INDENT.length)}`, ...more], tone),
    ...texts.flatMap((text) => plain(wrap(`${INDENT}  ${text}`, `${INDENT}    `), 'quiet')),
  ];
}

function days(n: number | undefined): string {
  return n === undefined ? '?' : `${n} d`;
}

/** So many releases, so many days. */
function behindWords({ behindDays, behindReleases }: FleetImage): string {
  if (behindDays === 0) return '-';
  return behindDays === undefined ? '?' : `${behindReleases ?? '?'}, ${behindDays} d`;
}

/** What each family that is behind should run. */
function renderRecommended(images: readonly FleetImage[]): Line[] {
  const named = new Map<string, string>();
  for (const { family, recommended, standing } of images) {
    if (family !== undefined && recommended !== undefined && standing !== 'current') {
      named.set(family, `${recommended.version} (${recommended.imageId})`);
    }
  }
  return [...named].flatMap(([family, image]) => plain(wrap(`Recommended for ${family}: ${image}`, '  ')));
}
