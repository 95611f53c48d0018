import type { AlertPort, ClockPort, Failure } from '../ports.ts';
import type { Family } from './family.ts';
import { parametersOf } from './family.ts';
import type { InUsePorts } from './in-use.ts';
import { familiesToWatch, lookAtUse } from './in-use.ts';
import type { AnnouncementPort, ParametersPort } from './ports.ts';
import type { Here } from './release-message.ts';
import { amiAlert, announcement } from './release-message.ts';
import { readSeen, writeSeen } from './seen.ts';
import type { Finding } from './watch.ts';
import { compare, keep } from './watch.ts';

type Log = (level: 'info' | 'warn' | 'error', message: string, fields: Record<string, string>) => void;

export interface WatchOrders extends Here {
  /** Looked at whether they are in use or not. */
  readonly families: readonly Family[];
  /** Name of the parameter with what was seen last; ours alone. */
  readonly seenParameter: string;
}

export interface WatchPorts extends InUsePorts {
  readonly parameters: ParametersPort;
  readonly releases: AnnouncementPort;
  readonly alerts: AlertPort;
  readonly now: ClockPort;
}

/**
 * Tells what is new of the families that are configured or in use. What was watched before comes first: looking at what
 * is in use takes many more calls, and whatever becomes of them must hold up no announcement. Only where that shows other
 * families, which is seldom, it looks once more, at those.
 * @throws AggregateError of what could not be read, told or remembered.
 */
export async function watchAmis(orders: WatchOrders, ports: WatchPorts, log: Log): Promise<void> {
  const { families: configured, seenParameter } = orders;
  const text = await ports.parameters.readParameters([seenParameter]);
  if (!text.ok) throw failed([text]);
  const remembered = readSeen(text.value[0]?.value);
  const before = familiesToWatch(configured, remembered, undefined);
  const failures = await look({ ...orders, families: before }, ports, log);

  const inUse = await lookAtUse(ports);
  if (inUse.ok) {
    const families = familiesToWatch(configured, remembered, inUse.value);
    const isSame = families.length === before.length && families.every((family) => before.includes(family));
    // What was told and could not be remembered would be told again.
    if (!isSame && failures.length === 0) failures.push(...(await look({ ...orders, families }, ports, log)));
  } else failures.push(inUse);
  if (failures.length > 0) throw failed(failures);
}

/**
 * One look: reads what is recommended and what was seen last, tells what is new, and only then remembers it. Whatever
 * ends it in between, the next look tells the same again: a release may be announced twice, and is never lost.
 * Answers what could not be read, told or remembered.
 */
async function look(
  { families, seenParameter, ...here }: WatchOrders,
  ports: WatchPorts,
  log: Log,
): Promise<Failure[]> {
  const read = await ports.parameters.readParameters([seenParameter, ...families.flatMap(parametersOf)]);
  if (!read.ok) return [read];
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
  return failures;
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
