import type { Command } from 'commander';
import { groups as describeGroups } from '../src/aws/groups.ts';
import type { StoredSwitch } from '../src/aws/switch.ts';
import { storedSwitch } from '../src/aws/switch.ts';
import type { Mode } from '../src/drain/switch.ts';
import type { Turn } from '../src/operator/switch-text.ts';
import { modeOf, ownModes, turnSwitch } from '../src/operator/switch-text.ts';
import { confirm } from './confirm.ts';
import type { Line } from './lines.ts';
import { plain, printLines } from './lines.ts';
import type { Answer, Here, OperatorOptions } from './operate.ts';
import { askOn, CallFailed, inRegions, need, talksToAws } from './operate.ts';
import { exitCodeOf } from './status.ts';
import { renderProblems } from './status-view.ts';
import { printable } from './table.ts';
import { count, wrap } from './text.ts';
import type { Print, Run } from './usage.ts';
import { UsageError } from './usage.ts';
import { writeIfUnchanged } from './write-parameter.ts';

interface SwitchOptions extends OperatorOptions {
  readonly observe?: boolean;
  readonly yes?: boolean;
}

/** One region's switch, as it is and as it is to be. */
interface Plan {
  readonly here: Here;
  readonly before: StoredSwitch | undefined;
  readonly after: string;
  /** What whoever decides should know. */
  readonly notes: readonly string[];
  /** Asked for, and not in this region. */
  readonly missing: readonly string[];
}

export function addPause(program: Command, run: Run, print: Print): void {
  const command = program
    .command('pause [groups...]')
    .description('hold every drain back, of a region or of single Auto Scaling groups; hooks are kept alive')
    .option('--yes', 'do not ask');
  talksToAws(command).action((groups: string[], options: SwitchOptions) => run(turn('pause', groups, options, print)));
}

export function addResume(program: Command, run: Run, print: Print): void {
  const command = program
    .command('resume [groups...]')
    .description('let drains go on; a group goes by what its region says again')
    .option('--observe', 'let them say what they would do, and do nothing')
    .option('--yes', 'do not ask');
  talksToAws(command).action((groups: string[], options: SwitchOptions) => run(turn('resume', groups, options, print)));
}

async function turn(
  command: 'pause' | 'resume',
  names: readonly string[],
  options: SwitchOptions,
  print: Print,
): Promise<number> {
  const groups = [...new Set(names)];
  const wrong = groups.find((group) => group === '' || group.length > 255);
  if (wrong !== undefined) throw new UsageError(`not the name of a group: ${JSON.stringify(wrong)}`);
  if (options.json && !options.yes) throw new UsageError('--json does not ask: say --yes');

  const resumed = options.observe ? 'observe' : groups.length > 0 ? undefined : 'act';
  const wanted: Turn = { mode: command === 'pause' ? 'pause' : resumed, groups };
  const plans = await inRegions(options, (here) => plan(here, wanted));
  // What is taken out of the switch need not exist any more.
  if (wanted.mode !== undefined) refuseUnknown(groups, plans);
  if (!options.json) printLines(plans.flatMap(renderPlan), print);

  const changing = plans.filter((answer) => answer.ok && isChange(answer.value)).length;
  const agreed =
    changing === 0 || (await confirm(`Write ${changing === 1 ? 'it' : `${changing} switches`}?`, options.yes));
  const written = agreed ? await askOn(plans, write) : plans;
  if (options.json) print(JSON.stringify(document(command, plans, written), null, 2));
  else printLines(renderEnd(written, changing, agreed), print);
  return agreed ? exitCodeOf(written) : 1;
}

const isChange = ({ before, after }: Plan): boolean => before?.text !== after && after !== '';

async function plan(here: Here, wanted: Turn): Promise<Plan> {
  const { aws, stack } = here;
  const before = need(await storedSwitch(aws.ssm, stack.switchParameter));
  const turned = turnSwitch(before?.text, wanted);
  if ('mistakes' in turned) {
    throw new CallFailed(
      `${stack.switchParameter} holds a text that is not a switch (${turned.mistakes}), so it is left alone: ${before?.text}`,
    );
  }
  const known = wanted.groups.length === 0 ? [] : need(await describeGroups(aws.autoScaling, wanted.groups));
  const missing = wanted.groups.filter((name) => known.every((group) => group.name !== name));
  // A region that has none of the groups keeps its switch.
  const isElsewhere = wanted.mode !== undefined && missing.length > 0 && missing.length === wanted.groups.length;
  const after = isElsewhere ? (before?.text ?? '') : turned.text;
  return { here, before, after, missing, notes: isElsewhere ? [] : notesOn(turned.text, wanted) };
}

function notesOn(text: string, { mode, groups }: Turn): string[] {
  const others = groups.length > 0 ? [] : ownModes(text).filter(([, own]) => own !== mode);
  const region = groups.filter((group) => mode === undefined && modeOf(text, group) !== 'act');
  return [
    ...(mode === undefined ? [] : (CONSEQUENCES[mode] ?? [])),
    ...others.map(([group, own]) => `${group} goes on with ${own}, which the switch says for it alone.`),
    ...region.map((group) => `The region itself says ${String(modeOf(text, group))}, which holds for ${group} now.`),
  ];
}

const CONSEQUENCES: Readonly<Partial<Record<Mode, readonly string[]>>> = {
  pause: ['Drains that are under way stop where they are; their hooks are kept alive until the global timeout.'],
  observe: ['What leaves is not drained: its hook times out, and the default result applies, as without ecs-drain.'],
};

/** @throws UsageError when a group is in none of the regions, and all of them have answered. */
function refuseUnknown(groups: readonly string[], plans: readonly Answer<Plan>[]): void {
  const unknown = groups.filter((group) => plans.every((answer) => answer.ok && answer.value.missing.includes(group)));
  if (unknown.length === 0) return;
  const regions = plans.map(({ region }) => region).join(', ');
  throw new UsageError(`no Auto Scaling group ${unknown.join(', ')} in ${regions}: nothing was changed`);
}

async function write(planned: Plan): Promise<Plan> {
  if (isChange(planned)) await writeSwitch(planned.here, planned.before, planned.after);
  return planned;
}

/** @throws CallFailed where somebody else has written meanwhile. */
export function writeSwitch(
  { aws, stack }: Pick<Here, 'stack'> & { readonly aws: Pick<Here['aws'], 'ssm'> },
  before: StoredSwitch | undefined,
  after: string,
): Promise<void> {
  return writeIfUnchanged(aws.ssm, stack.switchParameter, before, after);
}

function renderPlan(answer: Answer<Plan>): Line[] {
  if (!answer.ok) return renderProblems([answer]);
  const { here, before, after, notes, missing } = answer.value;
  const nowhere = missing.flatMap((group) => wrap(`  there is no group ${group} here`, '    '));
  return [
    { text: `${answer.region}: ${here.stack.switchParameter}`, tone: 'strong' },
    ...(isChange(answer.value)
      ? [...show('before ', before?.text ?? '(nobody has written it)'), ...show('after  ', after)]
      : plain(['  nothing to change'])),
    ...plain(nowhere, 'warn'),
    ...notes.flatMap((note) => plain(wrap(`  ${note}`, '  '))),
  ];
}

/** A text in one line, or in as many as it has or takes. */
function show(label: string, text: string): Line[] {
  const line = `  ${label}${printable(text)}`;
  if (!text.includes('\n') && line.length <= 80) return [{ text: line }];
  const lines = text
    .split('\n')
    .flatMap((one) => wrap(`${' '.repeat(4 + one.length - one.trimStart().length)}${one.trim()}`, '    '));
  return plain([`  ${label.trim()}`, ...lines]);
}

function renderEnd(written: readonly Answer<Plan>[], changing: number, agreed: boolean): Line[] {
  if (!agreed) return [{ text: 'Nothing was changed.' }];
  const done = written.filter((answer) => answer.ok && isChange(answer.value)).length;
  const failed = changing > done ? renderProblems(written) : [];
  if (done === 0) return failed;
  return [
    { text: `Written in ${count(done, 'region')}. Every drain follows within about two minutes.`, tone: 'good' },
    ...failed,
  ];
}

function document(command: string, plans: readonly Answer<Plan>[], written: readonly Answer<Plan>[]): object {
  return {
    schema: 1,
    command,
    regions: plans.map((answer, i) => {
      const end = written[i];
      if (!answer.ok) return { region: answer.region, problem: answer.problem };
      const { here, before, after, notes, missing } = answer.value;
      const members = { parameter: here.stack.switchParameter, before: before?.text, after, notes, missing };
      return end?.ok === false
        ? { region: answer.region, ...members, changed: false, problem: end.problem }
        : { region: answer.region, ...members, changed: isChange(answer.value) };
    }),
  };
}
