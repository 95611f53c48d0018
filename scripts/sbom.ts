import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { Enums, Models, Serialize, Spec } from '@cyclonedx/cyclonedx-library';

/** As much as is read here of what esbuild tells of its outputs. Paths are relative to the repository's root. */
interface Metafile {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >;
}

/** As much as is read here of a package.json. */
interface Package {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/**
 * The folders of the packages that a bundle has code of, sorted. What esbuild looked at and left out is not among them.
 * A package within another's node_modules is one of its own, for it may have another version.
 */
export function packagesIn(metafile: Metafile, handler: string): string[] {
  const { inputs } = metafile.outputs[`dist/${handler}/index.mjs`] ?? { inputs: {} };
  const folders = Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [];
    return bytesInOutput > 0 && folder !== undefined ? [folder] : [];
  });
  return [...new Set(folders)].sort();
}

/**
 * A CycloneDX bill of materials of one bundle, as JSON: its hash, and each package in it with version, licence and purl.
 * Neither time nor chance is in it, so that the same source makes the same bytes.
 */
export function billOfMaterials(root: string, metafile: Metafile, handler: string): string {
  const read = (folder: string): Package => JSON.parse(readFileSync(posix.join(root, folder, 'package.json'), 'utf8'));
  const own = read('.');
  const bundle = readFileSync(posix.join(root, 'dist', handler, 'index.mjs'));
  const hashes = new Models.HashDictionary([
    [Enums.HashAlgorithm['SHA-256'], createHash('sha256').update(bundle).digest('hex')],
  ]);
  const bom = new Models.Bom();
  bom.metadata.component = new Models.Component(Enums.ComponentType.Application, `${own.name}-${handler}`, {
    bomRef: `${own.name}-${handler}`,
    version: own.version,
    hashes,
    licenses: licensesOf(own),
  });
  for (const folder of packagesIn(metafile, handler)) bom.components.add(component(read(folder)));
  const serializer = new Serialize.JsonSerializer(new Serialize.JSON.Normalize.Factory(Spec.Spec1dot6));
  return `${serializer.serialize(bom, { sortLists: true, space: 2 })}\n`;
}

function component(found: Package): Models.Component {
  const [, scope, name = found.name] = /^(@[^/]+)\/(.+)$/.exec(found.name) ?? [];
  const purl = `pkg:npm/${scope === undefined ? '' : `${encodeURIComponent(scope)}/`}${name}@${found.version}`;
  return new Models.Component(Enums.ComponentType.Library, name, {
    bomRef: purl,
    purl,
    version: found.version,
    licenses: licensesOf(found),
    ...(scope === undefined ? {} : { group: scope }),
  });
}

function licensesOf({ license }: Package): Models.LicenseRepository {
  if (license === undefined) return new Models.LicenseRepository();
  const isExpression = /[ ()]/.test(license);
  return new Models.LicenseRepository([
    isExpression ? new Models.LicenseExpression(license) : new Models.SpdxLicense(license),
  ]);
}

/** What was built, into `.serverless/<handler>.cdx.json`; answers the names of the files. */
export function writeBills(root: string, folder: string, handlers: readonly string[]): string[] {
  const metafile = JSON.parse(readFileSync(posix.join(root, 'dist/metafile.json'), 'utf8')) as Metafile;
  return handlers.map((handler) => {
    const file = `${handler}.cdx.json`;
    writeFileSync(posix.join(folder, file), billOfMaterials(root, metafile, handler));
    return file;
  });
}
