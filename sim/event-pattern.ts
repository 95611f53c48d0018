type Plain = string | number | boolean | null;
type AnythingBut = Plain | readonly Plain[] | { readonly prefix: string };
type Matcher = Plain | { readonly prefix: string } | { readonly 'anything-but': AnythingBut };

/** The part of EventBridge's pattern language that rules here use. Every field must match; of a field's matchers, one. */
export interface EventPattern {
  readonly [field: string]: readonly Matcher[] | EventPattern;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isPlain = (value: unknown): value is Plain => value === null || !['object', 'undefined'].includes(typeof value);

const startsWith = (value: unknown, prefix: string): boolean => typeof value === 'string' && value.startsWith(prefix);

function matchesOne(matcher: Matcher, value: unknown): boolean {
  if (!isObject(matcher)) return value === matcher;
  if ('prefix' in matcher) return startsWith(value, matcher.prefix);
  const unwanted = matcher['anything-but'];
  if (isObject(unwanted)) return !startsWith(value, unwanted.prefix);
  return ![unwanted].flat().includes(value as Plain);
}

/** A field that is not there matches nothing; one that holds a list matches when any of its items does. */
export function matchesPattern(pattern: EventPattern, event: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(pattern).every(([field, wanted]) => {
    const values = [event[field]].flat().filter((value) => value !== undefined);
    return values.some((value) =>
      Array.isArray(wanted)
        ? wanted.some((matcher) => matchesOne(matcher, value))
        : isObject(value) && matchesPattern(wanted as EventPattern, value),
    );
  });
}

function isMatcher(value: unknown): value is Matcher {
  if (isPlain(value)) return true;
  if (!isObject(value) || Object.keys(value).length !== 1) return false;
  const unwanted = value['anything-but'];
  if (isObject(unwanted)) return Object.keys(unwanted).length === 1 && typeof unwanted['prefix'] === 'string';
  if (unwanted !== undefined) return [unwanted].flat().every(isPlain);
  return typeof value['prefix'] === 'string';
}

/** What a rule says, checked. @throws an error that names the first thing that is no pattern, or none that is known here. */
export function readPattern(value: unknown, at = 'the pattern'): EventPattern {
  if (!isObject(value) || Object.keys(value).length === 0) throw new Error(`${at} is not an object with fields`);
  for (const [field, wanted] of Object.entries(value)) {
    const path = `${at}, ${field}`;
    if (!Array.isArray(wanted)) readPattern(wanted, path);
    else if (wanted.length === 0) throw new Error(`${path}: an empty list matches nothing`);
    else {
      const unknown = wanted.find((matcher) => !isMatcher(matcher));
      if (unknown !== undefined) throw new Error(`${path}: ${JSON.stringify(unknown)} is not implemented`);
    }
  }
  return value as EventPattern;
}
