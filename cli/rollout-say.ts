import type { Command } from 'commander';
import { choose } from '../src/operator/rollout-choice.ts';
import type { ReleaseStatus } from '../src/operator/rollout-status.ts';
import type { Word, WordPlan } from '../src/operator/rollout-word.ts';
import { planWord } from '../src/operator/rollout-word.ts';
import { placeOptions } from '../src/place.ts';
import type { Control } from '../src/rollout/control.ts';
import { confirm } from './confirm.ts';
import type { Line } from './lines.ts';
import { plain, printLines } from './lines.ts';
import type { Answer, Here, OperatorOptions } from './operate.ts';
import { askOn, CallFailed, inRegions, talksToAws } from './operate.ts';
import { moment } from './rollout-words.ts';
import type { Rollout } from './rollouts.ts';
import { rolloutReader } from './rollouts.ts';
import { exitCodeOf } from './status.ts';
import { renderProblems } from './status-view.ts';
import { commandLines, wrap } from './text.ts';
import type { Print, Run } from './usage.ts';
import { UsageError } from './usage.ts';
import { saidBy } from './who.ts';
import { writeIfUnchanged } from './write-parameter.ts';

interface SayOptions extends OperatorOptions {
  readonly because?: string;
  readonly by?: string;
  readonly yes?: boolean;
}

/** What would be said of a release in one region; `plan` is missing where no release is called so. */
export interface Planned {
  readonly called: string;
  readonly release?: { readonly status: ReleaseStatus; readonly parameter: string; readonly before: Rollout['record'] };
  readonly plan?: WordPlan;
}

type Said = Planned & { readonly here: Here; readonly rollout?: Rollout };

const DESCRIPTIONS: Readonly<Record<Word, string>> = {
  approve: 'let the fleets begin that wait for approval',
  reject: 'end a rollout before any of its fleets was begun',
  pause: 'begin nothing further; a fleet in the middle stops where it is',
  resume: 'let a paused rollout go on',
  cancel: 'end a rollout; fleets in the middle are rolled back, where that can be done',
};

/** Of a rollout that ended longer ago nothing is known here but that it does not run. */
const LATELY_MS = 30 * 86_400_000;

export function addRolloutWords(rollout: Command, run: Run, print: Print): void {
  for (const word of Object.keys(DESCRIPTIONS) as Word[]) {
    const command = rollout
      .command(`${word} <release>`)
      .description(`${DESCRIPTIONS[word]}; RELEASE: its name, the beginning of it, or its source`)
      .option('--because <text>', 'why: it is kept with your word')
      .option('--by <name>', 'who says it (default: your user name)')
      .option('--yes', 'do not ask');
    talksToAws(command).action((release: string, options: SayOptions) => run(say(word, release, options, print)));
  }
}

async function say(word: Word, called: string, options: SayOptions, print: Print): Promise<number> {
  const said = saidBy(options);
  if (called === '' || called.length > 1_011)
    throw new UsageError('RELEASE takes the name of a rollout, or its source');
  if (options.json && !options.yes) throw new UsageError('--json does not ask: say --yes');

  const plans = await inRegions(options, (here) => plan(here, word, called, said));
  if (plans.every((answer) => answer.ok && answer.value.plan === undefined)) {
    throw new UsageError(
      `no rollout ${called} in ${plans.map(({ region }) => region).join(', ')}: ecs-drain rollout status shows their names`,
    );
  }
  if (!options.json) printLines(plans.flatMap(renderPlanned), print);
  const changing = plans.filter((answer) => answer.ok && answer.value.plan?.action === 'change').length;
  const question = changing === 1 ? `Say ${word}?` : `Say ${word} in ${changing} regions?`;
  const agreed = changing === 0 || (await confirm(question, options.yes));
  const written = agreed ? await askOn(plans, write) : plans;
  if (options.json) print(JSON.stringify(document(word, plans, written), null, 2));
  else printLines(ending(written, changing, agreed), print);
  const isRefused = plans.some((answer) => answer.ok && answer.value.plan?.action === 'refused');
  return agreed && !isRefused ? exitCodeOf(written) : 1;
}

async function plan(
  here: Here,
  word: Word,
  called: string,
  said: { readonly by: string; readonly because: string },
): Promise<Said> {
  const { rollouts, atMs } = await rolloutReader(here)(here.aws.now() - LATELY_MS);
  const choice = choose(
    rollouts.map((rollout) => ({ ...rollout.status, rollout })),
    called,
  );
  if (choice.kind === 'several') {
    throw new CallFailed(`${called} may be any of these rollouts, so say which: ${choice.names.join(', ')}`);
  }
  if (choice.kind === 'none') return { here, called };
  const { rollout } = choice.release;
  if (rollout.unreadRecord !== undefined) throw new CallFailed(rollout.unreadRecord);
  const { status, record, waiting, closed, begun, parameter } = rollout;
  const plan = planWord(
    // AWS tells its time in whole seconds.
    { word, ...said, atMs: Math.floor(atMs / 1000) * 1000 },
    {
      begun,
      ...(waiting === undefined ? {} : { waiting }),
      ...(closed === undefined ? {} : { closed }),
      ...(status.state === 'running' ? {} : { ended: `${status.state}: ${status.because}` }),
      ...(record === undefined ? {} : { before: record }),
    },
  );
  return { here, called, rollout, release: { status, parameter, before: record }, plan };
}

async function write(said: Said): Promise<Said> {
  const { here, plan, rollout } = said;
  if (plan?.action === 'change' && rollout) {
    await writeIfUnchanged(here.aws.ssm, rollout.parameter, rollout.stored, JSON.stringify(plan.after));
  }
  return said;
}

/** What is about to be said, as lines of 80 columns. Pure. */
export function renderPlanned(answer: Answer<Planned>): Line[] {
  if (!answer.ok) return renderProblems([answer]);
  const { called, release, plan } = answer.value;
  if (release === undefined || plan === undefined) {
    return plain(wrap(`${answer.region}: there is no rollout ${called} here`, '  '));
  }
  const { status, before } = release;
  const head: Line[] = [
    { text: wrap(`${answer.region}: ${status.name}`, '  ').join('\n'), tone: 'strong' },
    ...plain(wrap(`  ${status.source} ${status.version ?? ''}`, '    ')),
  ];
  if (plan.action === 'none') return [...head, ...plain(wrap(`  nothing to change: ${plan.because}`, '    '))];
  if (plan.action === 'refused') return [...head, ...plain(wrap(`  REFUSED: ${plan.because}`, '    '), 'bad')];
  return [
    ...head,
    ...plain(wrap(`  before: ${wordsOf(before)}`, '    ')),
    ...plain(wrap(`  after: ${wordsOf(plan.after)}`, '    ')),
    ...plan.notes.flatMap((note) => plain(wrap(`  note: ${note}`, '    '), 'warn')),
  ];
}

function wordsOf(record: Rollout['record']): string {
  if (record === undefined) return 'nobody has said anything';
  if ('mistake' in record) return `cannot be understood: ${record.mistake}`;
  return sentenceOf(record);
}

function sentenceOf({ word, by, at, because, approved }: Control): string {
  const still = word !== 'approve' && approved ? ', approved before' : '';
  return `${word}${still}, by ${by} at ${moment(Date.parse(at))}${because === '' ? '' : `: ${because}`}`;
}

function ending(written: readonly Answer<Said>[], changing: number, agreed: boolean): Line[] {
  if (!agreed || changing === 0) return [{ text: 'Nothing was changed.' }];
  return written.flatMap((answer): Line[] => {
    if (!answer.ok) return renderProblems([answer]);
    const { plan, rollout, here } = answer.value;
    if (plan?.action !== 'change') return [];
    const follow = ['ecs-drain rollout status', ...placeOptions({ region: answer.region, stack: here.stack.name })];
    const { looksAgainAtMs } = rollout?.status ?? {};
    const when = looksAgainAtMs === undefined ? 'at the next look' : `by ${moment(looksAgainAtMs + 60_000)}`;
    return [
      ...plain(wrap(`${answer.region}: said. The rollout sees it ${when}.`, '  '), 'good'),
      ...plain(commandLines('To see it: ', follow, '  ')),
    ];
  });
}

function document(word: Word, plans: readonly Answer<Said>[], written: readonly Answer<Said>[]): object {
  return {
    schema: 1,
    command: `rollout ${word}`,
    regions: plans.map((answer, i) => {
      if (!answer.ok) return { region: answer.region, ok: false, problem: answer.problem };
      const { release, plan } = answer.value;
      const end = written[i];
      const isChange = plan?.action === 'change';
      return {
        region: answer.region,
        ok: true,
        ...(release === undefined ? {} : { release: release.status.name, parameter: release.parameter }),
        ...(release?.before === undefined ? {} : { before: release.before }),
        ...(plan ?? { action: 'none', because: 'there is no such rollout here' }),
        changed: isChange && end?.ok === true,
        ...(end?.ok === false ? { problem: end.problem } : {}),
      };
    }),
  };
}
