import type { AlertPort, ClockPort, Failure } from '../ports.ts';
import type { Family } from './family.ts';
import { parametersOf } from './family.ts';
import type { AnnouncementPort, ParametersPort } from './ports.ts';
import type { Here } from './release-message.ts';
import { amiAlert, announcement } from './release-message.ts';
import { readSeen, writeSeen } from './seen.ts';
import type { Finding } from './watch.ts';
import { compare, keep } from './watch.ts';

type Log = (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, string>) => void;

export interface WatchOrders extends Here {
  readonly families: readonly Family[];
  /** Name of the parameter with what was seen last; ours alone. */
  readonly seenParameter: string;
}

export interface WatchPorts {
  readonly parameters: ParametersPort;
  readonly releases: AnnouncementPort;
  readonly alerts: AlertPort;
  readonly now: ClockPort;
}

/**
 * One look: reads what is recommended and what was seen last, tells what is new, and only then remembers it. Whatever
 * ends it in between, the next look tells the same again: a release may be announced twice, and is never lost.
 * @throws AggregateError of what could not be read, told or remembered.
 */
export async function watchAmis(
  { families, seenParameter, ...here }: WatchOrders,
  ports: WatchPorts,
  log: Log,
): Promise<void> {
  const read = await ports.parameters.readParameters([seenParameter, ...families.flatMap(parametersOf)]);
  if (!read.ok) throw failed([read]);
  const failures: Failure[] = [];
  const text = read.value.find(({ name }) => name === seenParameter)?.value;
  const remembered = readSeen(text);
  const findings = compare(remembered, families, read.value, ports.now());

  const announced = new Set<string>();
  for (const { family, release } of findings) {
    if (release === undefined) continue;
    const fields = { family: family.id, version: release.version, imageId: release.imageId };
    const published = await ports.releases.publish(announcement(family, release, here.region));
    log(published.ok ? 'info' : 'error', published.ok ? 'a new release, announced' : 'could not be announced', fields);
    if (published.ok) announced.add(family.id);
    else failures.push(published);
  }

  const lines = [
    ...(remembered.kind === 'garbled' ? [garbled(seenParameter)] : []),
    ...findings.flatMap(({ because = [] }) => because),
  ];
  for (const line of lines) log('warn', line, {});
  const told = lines.length === 0 || (await ports.alerts.publish(amiAlert(lines, here)));
  if (told !== true && !told.ok) failures.push(told);
  const warned = told === true || told.ok;

  const next = writeSeen(keep(remembered, findings, announced, warned));
  if (remembered.kind === 'first') log('info', 'the first look: nothing is announced', summary(findings));
  // Written over, the garbled text would be forgotten before anybody has heard of it.
  const write = next !== text && (remembered.kind !== 'garbled' || warned);
  const written = write ? await ports.parameters.writeParameter(seenParameter, next) : undefined;
  if (written && !written.ok) failures.push(written);
  if (failures.length > 0) throw failed(failures);
}

function garbled(parameter: string): string {
  return `What was last seen of AMIs, in the parameter ${parameter}, could not be read: releases since then are not announced. From now on they are again.`;
}

function summary(findings: readonly Finding[]): Record<string, string> {
  const seen = findings.filter(({ sighting }) => sighting !== undefined).length;
  return { seen: String(seen), absent: String(findings.length - seen) };
}

function failed(failures: readonly Failure[]): AggregateError {
  const errors = failures.map(({ operation, reason, message }) => new Error(`${operation} ${reason}: ${message}`));
  return new AggregateError(errors, `the look at the AMIs failed: ${errors.map(({ message }) => message).join('; ')}`);
}
