import type { Amis, ImageFacts } from './amis.ts';
import type { Templates } from './templates.ts';

/** A launch template and which version of it: a number, `$Latest` or `$Default`. */
export interface TemplateUse {
  readonly templateId: string;
  readonly version: string;
}

/** How the request of a Spot Fleet names a template: by id, or by name. */
export interface SpotTemplate {
  readonly LaunchTemplateId?: string | undefined;
  readonly LaunchTemplateName?: string | undefined;
}

/** One override of a mixed instances policy: a template or an image of its own, or neither (AWS-CONTRACTS §5). */
export interface LaunchOverride {
  readonly instanceType?: string | undefined;
  readonly template?: TemplateUse | undefined;
  readonly imageId?: string | undefined;
  /** Attributes instead of an instance type. */
  readonly requirements?: { readonly vCpus: number; readonly memoryMiB: number } | undefined;
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
  /** Its image was named by an override: Auto Scaling tells the image of such an instance, and of no other. */
  readonly hasImageOfOverride?: boolean;
}

/** What the user guide leaves open about skip matching, as this seed has it. */
export interface UnverifiedMatching {
  /** `$Latest` and `$Default` are compared as the numbers that they mean now; otherwise any version matches them. */
  readonly resolvesVersions: boolean;
  /** Another image in an override is a difference. */
  readonly seesImages: boolean;
}

export interface Launches {
  /** What the nth launch from a source gets just now; undefined when that cannot be launched. */
  resolve(source: LaunchSource, nth: number): Launched | undefined;
  /**
   * What a refresh with skip matching leaves alone: the same template, version and instance type, whatever the image
   * (user guide, skip matching).
   */
  matches(launched: Launched, source: LaunchSource, unverified: UnverifiedMatching): boolean;
  /** A template has its name in every answer, whether it was named by it or not. */
  nameOf(templateId: string): string | undefined;
  idOf(use: SpotTemplate | undefined): string | undefined;
  /** Whether the source can be launched again as it is now: numbered versions of templates, and images by id (§5). */
  isRepeatable(source: LaunchSource): boolean;
}

/** A parameter's name or ARN, with a version or a label behind a colon, or without. */
const ALIAS = /^resolve:ssm:(.+)$/;

export function createLaunches(region: {
  templates: Pick<Templates, 'version' | 'nameOf' | 'idOf'>;
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
    const hasImageOfOverride = use !== undefined && own.imageId !== undefined;
    return { image, instanceType: own.instanceType ?? template?.instanceType, template, hasImageOfOverride };
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
    idOf: (use) => use?.LaunchTemplateId ?? templates.idOf(use?.LaunchTemplateName ?? ''),
    matches({ image, instanceType, template }, source, { resolvesVersions, seesImages }) {
      // "You cannot use skip matching with a new launch configuration" (user guide).
      if (source.kind === 'configuration') return false;
      const overrides: readonly LaunchOverride[] = source.kind === 'mixed' ? source.overrides : [];
      return (overrides.length === 0 ? [{}] : overrides).some((own: LaunchOverride) => {
        const use = own.template ?? source.template;
        const wanted = templates.version(use.templateId, use.version);
        const isSameVersion = wanted?.number === template?.number || (!resolvesVersions && use.version.startsWith('$'));
        return (
          use.templateId === template?.templateId &&
          isSameVersion &&
          (own.instanceType ?? wanted?.instanceType) === instanceType &&
          !(seesImages && own.imageId !== undefined && own.imageId !== image.id)
        );
      });
    },
    isRepeatable(source) {
      if (source.kind === 'configuration') return false;
      const overrides = source.kind === 'mixed' ? source.overrides : [];
      const uses = [source.template, ...overrides.flatMap(({ template }) => template ?? [])];
      return uses.every(isNumbered) && !overrides.some(({ imageId }) => ALIAS.test(imageId ?? ''));
    },
  };
}
