import type { Command } from 'commander';
import type { Severity } from '../src/operator/checks.ts';
import type { Examined } from '../src/operator/doctor.ts';
import { examine, SEVERITIES } from '../src/operator/doctor.ts';
import { look } from './doctor-look.ts';
import type { Answer, OperatorOptions } from './operate.ts';
import { inRegions, talksToAws } from './operate.ts';
import { checkGroups, refuseUnknown } from './plan.ts';
import { count, wrap } from './text.ts';
import type { Print, Run } from './usage.ts';

/** What doctor says of one region. */
export interface Examination {
  readonly stack: string;
  /** Groups that were asked for, and that the region does not have. */
  readonly missing: readonly string[];
  readonly checks: readonly Examined[];
  /** Requests that were sent to AWS. */
  readonly calls: number;
}

export function addDoctor(program: Command, run: Run, print: Print): void {
  const command = program
    .command('doctor [group...]')
    .description('look for whatever keeps drains from working: of the named groups, or of the region');
  talksToAws(command).action((groups: string[], options: OperatorOptions) => run(doctor(groups, options, print)));
}

/** Answers the exit code: 1 where there is a problem, or a region did not answer; warnings and what is unknown leave it 0. */
async function doctor(named: readonly string[], options: OperatorOptions, print: Print): Promise<number> {
  const groups = checkGroups(named);
  const answers = await inRegions(options, async (here): Promise<Examination> => {
    const seen = await look(here, groups);
    const known = seen.groups.ok ? seen.groups.value.map(({ group }) => group.name) : groups;
    const missing = groups.filter((name) => !known.includes(name));
    return { stack: here.stack.name, missing, checks: examine(seen), calls: here.aws.calls() };
  });
  refuseUnknown(groups, answers);
  if (options.json) print(JSON.stringify({ schema: 1, command: 'doctor', regions: answers.map(flat) }));
  else print(answers.map(renderAnswer).join('\n\n'));
  const isWell = (answer: Answer<Examination>): boolean =>
    answer.ok && answer.value.checks.every(({ severity }) => severity !== 'problem');
  return answers.every(isWell) ? 0 : 1;
}

function flat(answer: Answer<Examination>): object {
  if (!answer.ok) return answer;
  const { region, ok, value } = answer;
  return { region, ok, ...value };
}

/** One region's examination as text, the worst first. Pure. */
export function renderAnswer(answer: Answer<Examination>): string {
  if (!answer.ok) return wrap(`${answer.region}: ${answer.problem}`, '  ').join('\n');
  const { stack, checks, missing, calls } = answer.value;
  const of = (severity: Severity) => checks.filter((check) => check.severity === severity);
  const sum = SEVERITIES.filter((severity) => of(severity).length > 0)
    .map((severity) =>
      severity === 'ok' || severity === 'unknown'
        ? `${of(severity).length} ${severity}`
        : count(of(severity).length, severity),
    )
    .join(', ');
  return [
    ...wrap(`${answer.region}, stack ${stack}: ${sum}; ${count(calls, 'call')}`, '  '),
    ...missing.flatMap((group) => wrap(`  ${group}: there is no such group here`, '    ')),
    ...SEVERITIES.filter((severity) => severity !== 'ok').flatMap((severity) => of(severity).flatMap(renderCheck)),
    '',
    ...wrap(
      `ok: ${
        of('ok')
          .map(({ id }) => id)
          .join(', ') || 'nothing'
      }`,
      '  ',
    ),
    ...of('ok').flatMap(({ id, findings }) => findings.flatMap(({ what }) => wrap(`  ${id}: ${what}`, '    '))),
  ].join('\n');
}

function renderCheck({ id, severity, findings, because, fix, look: what }: Examined): string[] {
  const told = findings.map((finding) =>
    finding.severity === severity ? finding.what : `${finding.severity}: ${finding.what}`,
  );
  return [
    '',
    `${severity.toUpperCase().padEnd(8)} ${id}`,
    ...told.flatMap((text) => wrap(`  - ${text}`, '    ')),
    ...(severity === 'unknown' ? wrap(`  Looked at: ${what}`, '    ') : wrap(`  Why: ${because}`, '    ')),
    ...(severity === 'unknown' ? [] : wrap(`  Do: ${fix}`, '    ')),
  ];
}
