import type { Amis, ImageFacts } from './amis.ts';
import type { Templates } from './templates.ts';

/** A launch template and which version of it: a number, `$Latest` or `$Default`. */
export interface TemplateUse {
  readonly templateId: string;
  readonly version: string;
}

/** One override of a mixed instances policy: a template or an image of its own, or neither (AWS-CONTRACTS §5). */
export interface LaunchOverride {
  readonly instanceType?: string | undefined;
  readonly template?: TemplateUse | undefined;
  readonly imageId?: string | undefined;
}

/** Where a group or a fleet takes its instances from. */
export type LaunchSource =
  | { readonly kind: 'configuration'; readonly name: string; readonly imageId: string }
  | { readonly kind: 'template'; readonly template: TemplateUse }
  | { readonly kind: 'mixed'; readonly template: TemplateUse; readonly overrides: readonly LaunchOverride[] };

/** What an instance was launched from: it stays so, whatever becomes of the template. */
export interface Launched {
  readonly image: ImageFacts;
  readonly instanceType: string | undefined;
  readonly template: { readonly templateId: string; readonly number: number } | undefined;
}

export interface Launches {
  /** What the nth launch from a source gets just now; undefined when that cannot be launched. */
  resolve(source: LaunchSource, nth: number): Launched | undefined;
  /** Whether the instance is what the source would launch: what a refresh with skip matching leaves alone. */
  matches(launched: Launched, source: LaunchSource): boolean;
  /** A template has its name in every answer, whether it was named by it or not. */
  nameOf(templateId: string): string | undefined;
  /** Whether the source can be launched again as it is now: numbered versions of templates, and images by id (§5). */
  isRepeatable(source: LaunchSource): boolean;
}

/** A parameter's name or ARN, with a version or a label behind a colon, or without. */
const ALIAS = /^resolve:ssm:(.+)$/;

export function createLaunches(region: {
  templates: Pick<Templates, 'version' | 'nameOf'>;
  amis: Pick<Amis, 'get'>;
  /** The text of a parameter: `resolve:ssm:` is resolved at launch (AWS-CONTRACTS §5). */
  parameter: (name: string) => string | undefined;
}): Launches {
  const { templates, amis } = region;

  const launched = (use: TemplateUse | undefined, own: LaunchOverride): Launched | undefined => {
    const template = use && templates.version(use.templateId, use.version);
    if (use !== undefined && template === undefined) return undefined;
    const named = own.imageId ?? template?.image ?? '';
    const image = amis.get(ALIAS.test(named) ? (region.parameter(named.replace(ALIAS, '$1')) ?? '') : named);
    if (image === undefined) return undefined;
    return { image, instanceType: own.instanceType ?? template?.instanceType, template };
  };

  const resolve = (source: LaunchSource, nth: number): Launched | undefined => {
    if (source.kind === 'configuration') return launched(undefined, { imageId: source.imageId });
    const { overrides } = source.kind === 'mixed' ? source : { overrides: [] };
    const override = overrides[nth % Math.max(1, overrides.length)] ?? {};
    return launched(override.template ?? source.template, override);
  };

  const isNumbered = ({ templateId, version }: TemplateUse): boolean =>
    /^\d+$/.test(version) && !ALIAS.test(templates.version(templateId, version)?.image ?? '');

  return {
    resolve,
    nameOf: templates.nameOf,
    matches(instance, source) {
      const count = source.kind === 'mixed' ? Math.max(1, source.overrides.length) : 1;
      const wanted = Array.from({ length: count }, (_, nth) => resolve(source, nth));
      return wanted.some(
        (one) =>
          one?.image.id === instance.image.id &&
          one.template?.templateId === instance.template?.templateId &&
          one.template?.number === instance.template?.number,
      );
    },
    isRepeatable(source) {
      if (source.kind === 'configuration') return false;
      const overrides = source.kind === 'mixed' ? source.overrides : [];
      const uses = [source.template, ...overrides.flatMap(({ template }) => template ?? [])];
      return uses.every(isNumbered) && !overrides.some(({ imageId }) => ALIAS.test(imageId ?? ''));
    },
  };
}
