import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { CHECKS } from '../src/operator/doctor.ts';

const PAGE = fileURLToPath(new URL('../docs/commands.md', import.meta.url));
const GOLDEN = new URL('../test/cli/golden/', import.meta.url);

/** The page with its examples as the tests have seen them, and with doctor's checks as they are now. */
export function withExamples(page: string): string {
  return page
    .replace(/(<!-- golden: (\S+) -->\n```text\n)[\s\S]*?```/g, (_all, start: string, file: string) => {
      return `${start}${readFileSync(new URL(file, GOLDEN), 'utf8')}\`\`\``;
    })
    .replace(/(<!-- checks:[^>]*-->\n)[\s\S]*?(<!-- \/checks -->)/, (_all, start: string, end: string) => {
      const rows = CHECKS.map(({ id, look, because, fix }) => `| \`${id}\` | ${look} | ${because} | ${fix} |`);
      return `${start}\n${['| check | looks at | because | what to do |', '|---|---|---|---|', ...rows].join('\n')}\n\n${end}`;
    });
}

if (import.meta.main) writeFileSync(PAGE, withExamples(readFileSync(PAGE, 'utf8')));
