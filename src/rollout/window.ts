import { Cron } from 'croner';

/** A time in which fleets may be worked on, in the people's own time zone. */
export interface Window {
  /** As the tag has it. */
  readonly text: string;
  /** When it opens, as a cron expression of minute, hour and weekday. */
  readonly opens: string;
  readonly minutes: number;
  /** IANA name, like `Europe/Berlin`. */
  readonly zone: string;
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const WORDS = /^(?:([A-Z][a-z]{2})(?:-([A-Z][a-z]{2}))? )?(\d\d):(\d\d)-(\d\d):(\d\d) ([A-Za-z0-9_+/-]{2,64})$/;

/** Reads `Tue-Thu 02:00-05:00 Europe/Berlin`; without days it is every day, and an end before the start is the next day's. */
export function readWindow(text: string): Window | undefined {
  const [, first, last = first, hour, minute, toHour, toMinute, zone = ''] = WORDS.exec(text) ?? [];
  if (hour === undefined || !isZone(zone)) return undefined;
  const [from, to] = [minutesOf(hour, minute), minutesOf(toHour, toMinute)];
  const days = first === undefined ? '*' : daysOf(first, last);
  if (from === undefined || to === undefined || from === to || days === undefined) return undefined;
  const minutes = to > from ? to - from : to - from + 24 * 60;
  return { text, opens: `${Number(minute)} ${Number(hour)} * * ${days}`, minutes, zone };
}

/**
 * When the window is open, or was asked to be: `untilMs` of the one that is open at that moment, or `opensAtMs` of the
 * next. Pure: the moment is given. Undefined for a window that never opens.
 */
export function windowAt(window: Window, atMs: number): { openUntilMs: number } | { opensAtMs: number } | undefined {
  const cron = new Cron(window.opens, { timezone: window.zone, paused: true });
  const lengthMs = window.minutes * 60_000;
  // The first opening after that one which would just have ended: it is open now, or the next to open.
  const opened = cron.nextRun(new Date(atMs - lengthMs))?.getTime();
  if (opened === undefined) return undefined;
  return opened <= atMs ? { openUntilMs: opened + lengthMs } : { opensAtMs: opened };
}

function minutesOf(hour: string | undefined, minute: string | undefined): number | undefined {
  const [h, m] = [Number(hour), Number(minute)];
  return h < 24 && m < 60 ? h * 60 + m : undefined;
}

/** `Fri-Mon` goes over the weekend. */
function daysOf(first: string, last: string | undefined): string | undefined {
  const [from, to] = [DAYS.indexOf(first), DAYS.indexOf(last ?? first)];
  if (from < 0 || to < 0) return undefined;
  const count = ((to - from + 7) % 7) + 1;
  return Array.from({ length: count }, (_, i) => (from + i) % 7).join(',');
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
