export interface Import {
  /** As it is written: a package, or a path. */
  readonly from: string;
  readonly typeOnly: boolean;
}

const STATEMENT = /(?:^|[;}\n])\s*(import|export)\s+((?:type\s+)?[\w*${},\s]*?)\s*from\s*(['"])([^'"\n]+)\3/g;
const SIDE_EFFECT = /(?:^|[;}\n])\s*import\s*(['"])([^'"\n]+)\1/g;
const CALL = /\b(?:import|require)\s*\(\s*(['"`])([^'"`\n]+)\1/g;

/** What a module of ours imports, found with regular expressions: our modules are formatted by biome, and so regular. */
export function importsOf(source: string): Import[] {
  const code = withoutComments(source);
  return [
    ...[...code.matchAll(STATEMENT)].map(([, , clause = '', , from = '']) => ({ from, typeOnly: isTypeOnly(clause) })),
    ...[...code.matchAll(SIDE_EFFECT)].map(([, , from = '']) => ({ from, typeOnly: false })),
    ...[...code.matchAll(CALL)].map(([, , from = '']) => ({ from, typeOnly: false })),
  ];
}

function isTypeOnly(clause: string): boolean {
  if (/^type\s/.test(clause)) return true;
  const named = /^\{([\s\S]*)\}$/.exec(clause.trim())?.[1]?.split(',') ?? ['the whole module'];
  return named.filter((name) => name.trim() !== '').every((name) => /^\s*type\s/.test(name));
}

/** Comments cut out; strings, which may hold what looks like one, stay. */
export function withoutComments(source: string): string {
  return source.replace(
    /("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`)|\/\*[\s\S]*?\*\/|(?<![:\\])\/\/[^\n]*/g,
    (_, text: string | undefined) => text ?? ' ',
  );
}
