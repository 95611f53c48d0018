import { describe, expect, it } from 'vitest';
import type { Family } from '../../src/rollout/family.ts';
import { FAMILIES, familyById, parametersOf } from '../../src/rollout/family.ts';
import type { ParameterSeen } from '../../src/rollout/ports.ts';
import type { Remembered, Sighting } from '../../src/rollout/seen.ts';
import { readSeen, writeSeen } from '../../src/rollout/seen.ts';
import type { Finding } from '../../src/rollout/watch.ts';
import { compare, keep } from '../../src/rollout/watch.ts';
import { aRecommendation, aVersion } from '../support/amis.ts';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const DAYS = 86_400_000;
const family = (id: string): Family => familyById(id) ?? expect.fail(`no family ${id}`);
const AL2023 = family('al2023/x86_64');
const OLD = { version: '2023.0.20261029', imageId: 'ami-0aaaaaaaaaaaaaaaa' };
const NEW = { version: '2023.0.20261113', imageId: 'ami-0bbbbbbbbbbbbbbbb' };
const remember = (of: Family, sighting: Sighting): Remembered => ({ kind: 'seen', seen: { [of.id]: sighting } });
const recommend = (of: Family, what: Sighting, changedAtMs = NOW - DAYS): ParameterSeen[] =>
  aRecommendation(of, { ...what, changedAtMs });

/** What one look at one family finds. */
function find(of: Family, remembered: Remembered, parameters: readonly ParameterSeen[], atMs = NOW): Finding {
  const [finding, ...more] = compare(remembered, [of], parameters, atMs);
  expect(more).toEqual([]);
  return finding ?? expect.fail('nothing was found');
}

describe('a look', () => {
  it('for the first time announces nothing, however much there is, and remembers all of it', () => {
    const findings = compare(
      { kind: 'first' },
      FAMILIES,
      FAMILIES.flatMap((of) => recommend(of, { ...NEW, version: aVersion(of) })),
      NOW,
    );
    expect(findings.filter(({ release }) => release !== undefined)).toEqual([]);
    expect(findings.map(({ family: { id }, sighting }) => [id, sighting?.version, sighting?.imageId])).toEqual(
      FAMILIES.map((of) => [of.id, aVersion(of), NEW.imageId]),
    );
  });

  it('that finds what it knows says nothing', () => {
    expect(find(AL2023, remember(AL2023, NEW), recommend(AL2023, NEW))).toEqual({ family: AL2023, sighting: NEW });
  });

  it('that finds a newer release announces it, with what is in it', () => {
    expect(find(AL2023, remember(AL2023, OLD), recommend(AL2023, NEW))).toEqual({
      family: AL2023,
      release: expect.objectContaining({ ...NEW, agentVersion: '1.108.3' }),
      sighting: NEW,
    });
  });

  it.each(FAMILIES.map((of) => [of.id, of] as const))('announces a release of %s', (_, of) => {
    const before = { version: of.os === 'amazon-linux' ? '2018.03.a' : '0.0.1', imageId: OLD.imageId };
    const { release } = find(of, remember(of, before), recommend(of, { ...NEW, version: aVersion(of) }));
    expect(release).toMatchObject({ version: aVersion(of), imageId: NEW.imageId });
  });

  it('announces what a family that was added has next, and not what it had', () => {
    const arm = family('al2023/arm64');
    const first = compare(
      remember(AL2023, NEW),
      [AL2023, arm],
      [...recommend(AL2023, NEW), ...recommend(arm, OLD)],
      NOW,
    );
    expect(first.map(({ release }) => release)).toEqual([undefined, undefined]);
    const seen = keep(remember(AL2023, NEW), first, new Set(), true);
    expect(find(arm, { kind: 'seen', seen }, recommend(arm, NEW)).release).toMatchObject(NEW);
  });

  it('announces an image that AWS made anew under the same version', () => {
    const finding = find(AL2023, remember(AL2023, { ...NEW, imageId: OLD.imageId }), recommend(AL2023, NEW));
    expect(finding).toMatchObject({ release: NEW, sighting: NEW });
    expect(finding).not.toHaveProperty('because');
  });

  it('tells that AWS went back, announces nothing, and announces what comes after it', () => {
    const finding = find(AL2023, remember(AL2023, NEW), recommend(AL2023, OLD));
    expect(finding).toEqual({
      family: AL2023,
      because: expect.stringMatching(
        /^AWS went back from 2023\.0\.20261113 to 2023\.0\.20261029 .*Nothing is rolled back by itself\.$/,
      ),
      sighting: OLD,
    });
    expect(find(AL2023, remember(AL2023, OLD), recommend(AL2023, NEW)).release).toMatchObject(NEW);
  });

  it('is not taken in by the order of strings', () => {
    const of = family('bottlerocket-3/arm64');
    const [nine, ten] = [
      { ...OLD, version: '1.9.9-5ed15786' },
      { ...NEW, version: '1.10.0-00000000' },
    ];
    expect(find(of, remember(of, nine), recommend(of, ten)).release).toMatchObject(ten);
    expect(find(of, remember(of, ten), recommend(of, nine)).release).toBeUndefined();
  });
});

describe('what people should know of a family', () => {
  const broken = parametersOf(AL2023).map((name) => ({ name, value: 'see the console', changedAtMs: 0 }));

  it('is that its parameter is gone, once, and that it is back goes without saying', () => {
    const gone = find(AL2023, remember(AL2023, NEW), []);
    expect(gone).toEqual({
      family: AL2023,
      because: 'al2023/x86_64 is no longer recommended by AWS: its parameter is gone.',
      sighting: { ...NEW, told: 'gone' },
    });
    expect(find(AL2023, remember(AL2023, { ...NEW, told: 'gone' }), [])).not.toHaveProperty('because');
    expect(find(AL2023, remember(AL2023, { ...NEW, told: 'gone' }), recommend(AL2023, NEW))).toEqual({
      family: AL2023,
      sighting: NEW,
    });
  });

  it('is that its parameter cannot be used, and announces nothing of it', () => {
    expect(find(AL2023, remember(AL2023, NEW), broken)).toEqual({
      family: AL2023,
      because: expect.stringMatching(/^What AWS recommends of al2023\/x86_64 cannot be used: .*documents/),
      sighting: { ...NEW, told: 'unreadable' },
    });
  });

  it.each([
    ['absent', []],
    ['unreadable', broken],
  ])('is nothing where it never had one: a region need not have every family (%s)', (_, parameters) => {
    expect(find(AL2023, { kind: 'first' }, parameters)).toEqual({ family: AL2023, sighting: undefined });
  });

  it.each<[string, string, string | undefined]>([
    ['windows-2016-full/x86_64', '2026-10-13', undefined],
    ['windows-2016-full/x86_64', '2026-10-15', 'ending'],
    ['windows-2016-full/x86_64', '2027-01-11', 'ending'],
    ['windows-2016-full/x86_64', '2027-01-12', 'ended'],
    ['al2/x86_64', '2026-03-31', undefined],
    ['al2/x86_64', '2026-04-02', 'ending'],
    ['al2/x86_64', '2026-11-22', 'ended'],
    ['bottlerocket-1/arm64', '2026-11-22', 'ended'],
    ['al1/x86_64', '2026-11-22', 'ended'],
    ['al2023/x86_64', '2026-11-22', undefined],
    ['windows-2025-core/x86_64', '2026-11-22', undefined],
  ])('%s on %s: %s', (id, day, told) => {
    const of = family(id);
    const atMs = Date.parse(day);
    const what = { ...NEW, version: aVersion(of) };
    const finding = find(of, remember(of, what), recommend(of, what, atMs), atMs);
    expect(finding.sighting?.told).toBe(told);
    expect(finding.because?.includes(of.endsOn ?? '?')).toBe(told === undefined ? undefined : true);
    // Once, and then no more.
    expect(find(of, remember(of, finding.sighting ?? what), recommend(of, what, atMs), atMs)).not.toHaveProperty(
      'because',
    );
  });

  it.each<[string, number, string | undefined]>([
    ['al2023/x86_64', 630, undefined],
    ['al2023/x86_64', 650, 'aging'],
    // Only of ECS-optimized Amazon Linux is it known when they are deprecated.
    ['bottlerocket-3/x86_64', 900, undefined],
    ['windows-2022-core/x86_64', 900, undefined],
  ])(
    'is that nothing newer came for so long that what there is will be deprecated: %s after %d days',
    (id, days, told) => {
      const of = family(id);
      const what = { ...NEW, version: aVersion(of) };
      const finding = find(of, remember(of, what), recommend(of, what, NOW - days * DAYS));
      expect(finding.sighting?.told).toBe(told);
      if (told) expect(finding.because).toMatch(/will be deprecated about 2027-02-10/);
    },
  );

  it('is said on the first look as well, of a family that somebody asked for', () => {
    const al2 = family('al2/arm64');
    expect(find(al2, { kind: 'first' }, recommend(al2, { ...NEW, version: aVersion(al2) }))).toMatchObject({
      because:
        'Amazon Linux 2 (al2/arm64) reached the end of its life on 2026-06-30: move to a family that is still mended.',
      sighting: { told: 'ended' },
    });
  });

  it('goes along with a release', () => {
    const al2 = family('al2/x86_64');
    const finding = find(
      al2,
      remember(al2, { ...OLD, version: '2.0.20260101' }),
      recommend(al2, { ...NEW, version: aVersion(al2) }),
    );
    expect(finding).toMatchObject({
      release: { version: aVersion(al2) },
      because: expect.stringContaining('end of its life'),
    });
  });
});

describe('what is remembered of a look', () => {
  const found: readonly Finding[] = [{ family: AL2023, release: { ...NEW, name: 'x' }, sighting: NEW }];
  const al2 = family('al2/x86_64');

  it('is what was announced', () => {
    expect(keep(remember(AL2023, OLD), found, new Set([AL2023.id]), true)).toEqual({ [AL2023.id]: NEW });
  });

  it('is not what could not be announced: it comes again', () => {
    expect(keep(remember(AL2023, OLD), found, new Set(), true)).toEqual({ [AL2023.id]: OLD });
    expect(keep({ kind: 'first' }, found, new Set(), true)).toEqual({});
  });

  it('is not what could not be said, and all of the rest', () => {
    const ended: Finding = { family: al2, because: 'it ended', sighting: { ...NEW, told: 'ended' } };
    const before: Remembered = { kind: 'seen', seen: { [AL2023.id]: OLD, [al2.id]: OLD } };
    expect(keep(before, [...found, ended], new Set([AL2023.id]), false)).toEqual({ [AL2023.id]: NEW, [al2.id]: OLD });
  });

  it('is what was seen, though its warning could not be sent: a release before it gets out is announced, and once', () => {
    const aging: Finding = { family: AL2023, because: 'it is old', sighting: { ...NEW, told: 'aging' } };
    expect(keep({ kind: 'first' }, [aging], new Set(), false)).toEqual({ [AL2023.id]: NEW });
    const released: Finding = { ...aging, release: { ...NEW, name: 'x' } };
    expect(keep(remember(AL2023, OLD), [released], new Set([AL2023.id]), false)).toEqual({ [AL2023.id]: NEW });
    expect(keep(remember(AL2023, OLD), [released], new Set(), false)).toEqual({ [AL2023.id]: OLD });
  });

  it('is nothing of a family that was not found, or is no longer watched', () => {
    expect(keep(remember(al2, OLD), [{ family: AL2023, sighting: undefined }], new Set(), true)).toEqual({});
  });
});

describe('the parameter with what was seen', () => {
  const everything = Object.fromEntries(
    FAMILIES.map((of) => [of.id, { version: aVersion(of), imageId: NEW.imageId, told: 'unreadable' as const }]),
  );

  it.each([
    ['all there is', everything],
    ['one family', { [AL2023.id]: NEW }],
    ['nothing', {}],
  ])('says %s again as it was', (_, seen) => {
    expect(readSeen(writeSeen(seen))).toEqual({ kind: 'seen', seen });
  });

  it('fits into the standard tier, 4 KB, with every family there is and each of them in trouble', () => {
    const bytes = Buffer.byteLength(writeSeen(everything));
    expect(bytes).toBeLessThan(4_096);
    // Room for some more families; when this fails, the parameter has to become two.
    expect(bytes).toBeLessThan(3_950);
  });

  it('is the same text for the same things', () => {
    expect(writeSeen({ b: NEW, a: OLD })).toBe(writeSeen({ a: OLD, b: NEW }));
  });

  it('that is not there is the first look’s', () => {
    expect(readSeen(undefined)).toEqual({ kind: 'first' });
  });

  it.each([
    '',
    'x',
    '{}',
    '[]',
    'null',
    '{"schema":2,"seen":{}}',
    '{"schema":1,"seen":{"al2023/x86_64":"2023.0.20261113"}}',
    '{"schema":1,"seen":{"al2023/x86_64":"2023.0.20261113 ami-0bbbbbbbbbbbbbbbb asleep"}}',
    '{"schema":1,"seen":{"al2023/x86_64":{}}}',
    '{"schema":1,"seen":{},"more":1}',
  ])('that says %j is garbled', (text) => {
    expect(readSeen(text)).toEqual({ kind: 'garbled' });
  });
});
