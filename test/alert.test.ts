import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Alert, AlertKind } from '../src/alert.ts';
import { renderAlert, severityOf } from '../src/alert.ts';

const KINDS: Readonly<Record<AlertKind, 'info' | 'warning' | 'critical'>> = {
  started: 'info',
  drained: 'info',
  restored: 'info',
  cancelled: 'info',
  'not-a-container-instance': 'info',
  noticed: 'info',
  replacing: 'info',
  observed: 'info',
  paused: 'warning',
  reactivated: 'warning',
  misconfigured: 'warning',
  stuck: 'warning',
  'hook-gone': 'warning',
  forced: 'critical',
  failed: 'critical',
};
const kinds = Object.keys(KINDS) as AlertKind[];

const anAlert = (different: Partial<Alert> = {}): Alert => ({
  kind: 'stuck',
  instanceId: 'i-0a1b2c3d480000000',
  group: 'web-asg',
  cluster: 'web',
  because: '2 tasks of service api cannot leave.',
  details: ['service:api 0123456789ab RUNNING'],
  ...different,
});

/** What SNS takes as a subject (AWS-CONTRACTS §2). */
const SUBJECT = /^[\x21-\x7e][\x20-\x7e]{0,98}$/;

describe('an alert, written for people', () => {
  it('says first what to know, then the facts, a line each', () => {
    expect(renderAlert(anAlert())).toEqual({
      subject: '[ecs-drain warning] Stuck: draining i-0a1b2c3d480000000 (web-asg)',
      body: [
        '2 tasks of service api cannot leave.',
        '',
        '- service:api 0123456789ab RUNNING',
        'Instance: i-0a1b2c3d480000000',
        'Auto Scaling group: web-asg',
        'Cluster: web',
      ].join('\n'),
      attributes: { kind: 'stuck', severity: 'warning', instanceId: 'i-0a1b2c3d480000000', cluster: 'web' },
    });
  });

  it.each(kinds)('of kind %s has its severity, and a subject that says which instance', (kind) => {
    const { subject, attributes } = renderAlert(anAlert({ kind }));
    expect(severityOf(kind)).toBe(KINDS[kind]);
    expect(attributes).toMatchObject({ kind, severity: KINDS[kind] });
    expect(subject).toMatch(new RegExp(`^\\[ecs-drain ${KINDS[kind]}\\] .*i-0a1b2c3d480000000`));
  });

  it('has a title of its own for each kind', () => {
    const subjects = kinds.map((kind) => renderAlert(anAlert({ kind })).subject.replace(/^\[.*?\]/, ''));
    expect(new Set(subjects).size).toBe(kinds.length);
  });

  it('leaves the group out when the instance is in none', () => {
    const { subject, body } = renderAlert(anAlert({ group: undefined }));
    expect(subject).toBe('[ecs-drain warning] Stuck: draining i-0a1b2c3d480000000');
    expect(body).not.toContain('Auto Scaling group');
  });

  it.each([
    ['no cluster is known', undefined],
    ['the cluster’s name is empty: SNS refuses an attribute without a value', ''],
    ['the cluster’s name is nothing but control characters', '\u0000\n\u2028'],
  ])('leaves the cluster out when %s', (_, cluster) => {
    const { body, attributes } = renderAlert(anAlert({ cluster }));
    expect(body).not.toContain('Cluster:');
    expect(attributes).not.toHaveProperty('cluster');
  });

  it('lists ten details at most, the first ones', () => {
    const details = Array.from({ length: 30 }, (_, n) => `detail ${n}.`);
    const lines = renderAlert(anAlert({ details }))
      .body.split('\n')
      .filter((line) => line.startsWith('- '));
    expect(lines).toEqual(details.slice(0, 10).map((detail) => `- ${detail}`));
  });

  it('of a group with the longest name still has a subject that SNS takes', () => {
    const { subject } = renderAlert(anAlert({ group: 'g'.repeat(255) }));
    expect(subject).toMatch(SUBJECT);
    expect(subject).toContain('i-0a1b2c3d480000000');
  });
});

describe('names from outside cannot write lines of their own', () => {
  const hostile = 'web\r\nInstance: i-11111111\u2028- all is well\u0085\u202e\u0000\u001b[31m';

  it.each<[string, Partial<Alert>]>([
    ['a group', { group: hostile }],
    ['a cluster', { cluster: hostile }],
    ['a reason', { because: hostile }],
    ['a detail', { details: [hostile] }],
  ])('in %s', (_, members) => {
    // Act
    const { subject, body, attributes } = renderAlert(anAlert(members));

    // Assess
    expect(subject).toMatch(SUBJECT);
    expect(body.split('\n')).toHaveLength(6);
    expect(body.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(body.split('\n').filter((line) => line.startsWith('Instance:'))).toEqual(['Instance: i-0a1b2c3d480000000']);
    for (const value of Object.values(attributes)) expect(value).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  it('whatever they are, and however long', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 400 }),
      fc.string({ unit: 'grapheme', maxLength: 100 }),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        text,
        text,
        text,
        fc.array(text, { maxLength: 15 }),
        (kind, group, cluster, because, details) => {
          const { subject, body, attributes } = renderAlert(anAlert({ kind, group, cluster, because, details }));
          expect(subject).toMatch(SUBJECT);
          expect(body.split('\n').length).toBe(
            2 +
              Math.min(details.length, 10) +
              1 +
              (body.includes('\nAuto Scaling group: ') ? 1 : 0) +
              ('cluster' in attributes ? 1 : 0),
          );
          expect(body).not.toMatch(/[^\P{Cc}\n]/u);
          for (const value of Object.values(attributes)) expect(value).not.toBe('');
          // SNS takes 256 KB; mail clients and chats much less.
          expect(body.length).toBeLessThan(10_000);
        },
      ),
    );
  });
});
