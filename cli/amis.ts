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
import { table } from './table.ts';
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
    .description('which image each fleet runs, how old it is, and what is recommended; changes nothing');
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
  const old = new Set(
    images.filter(({ standing }) => BAD.has(standing) || standing === 'behind').map(({ fleet }) => fleet),
  );
  const head = `${region}: ${count(fleets, 'fleet')} with images of ECS, ${old.size} not up to date`;
  return [
    { text: wrap(head, '  ').join('\n'), tone: 'strong' },
    ...(images.length === 0 ? [] : plain(table(HEAD, images.map(rowOf)).split('\n'))),
    ...images.flatMap(renderNotes),
    ...notes.flatMap((note) => plain(wrap(`${region}: ${note}`, '  '), 'warn')),
  ];
}

const HEAD = ['fleet', 'family', 'version', 'runs', 'old', 'behind', 'mode'];

function rowOf({ fleet, family, version, imageId, instances, ageDays, behindDays, mode }: FleetImage): string[] {
  return [
    fleet,
    family ?? '-',
    version ?? imageId,
    String(instances),
    ageDays === undefined ? '?' : `${ageDays} d`,
    behindDays === undefined ? '?' : behindDays === 0 ? '-' : `${behindDays} d`,
    mode ?? '-',
  ];
}

function renderNotes({ fleet, imageId, isLaunched, instances, standing, recommended, notes }: FleetImage): Line[] {
  const next =
    standing === 'behind' && recommended ? [`${recommended.version} (${recommended.imageId}) is recommended`] : [];
  const said = [
    ...next,
    ...notes,
    ...(isLaunched && instances === 0 ? ['what it launches next; none of its instances runs it'] : []),
    ...(isLaunched || instances === 0 ? [] : ['its launch template says another image by now']),
  ];
  if (said.length === 0) return [];
  const tone = BAD.has(standing) ? 'bad' : standing === 'behind' ? 'warn' : 'quiet';
  return plain(wrap(`${fleet}, ${imageId}: ${said.join('; ')}`, '  '), tone);
}
