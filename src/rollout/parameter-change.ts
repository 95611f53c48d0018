import * as z from 'zod/mini';
import { checksum, ReleaseRequest } from './request.ts';

/** EventBridge's word that a parameter of ours was written; AWS tells of no public one (AWS-CONTRACTS §4). */
const ParameterChange = z.object({
  source: z.literal('aws.ssm'),
  'detail-type': z.literal('Parameter Store Change'),
  account: z.string(),
  id: z.string().check(z.minLength(1), z.maxLength(100)),
  time: z.iso.datetime(),
  detail: z.object({ name: z.string(), operation: z.enum(['Create', 'Update']) }),
});

/**
 * The request to roll out what a followed parameter says now; undefined for every other delivery, and for other accounts'.
 * The image is read from the parameter when it is time: an event carries no value. One event, one name, however often it
 * is delivered.
 */
export function readChange(delivery: unknown, ownAccountId: string): ReleaseRequest | undefined {
  const change = ParameterChange.safeParse(delivery);
  if (!change.success || change.data.account !== ownAccountId) return undefined;
  const { id, time, detail } = change.data;
  const request = ReleaseRequest.safeParse({
    kind: 'release',
    source: detail.name,
    id: `change-${checksum(id)}`,
    noticedAt: time,
  });
  return request.success && detail.name.startsWith('/') ? request.data : undefined;
}
