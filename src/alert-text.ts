/** Each sign that any chat's markdown could take for formatting, a mention or a link, and one that only looks like it. */
const LOOK_ALIKES: Readonly<Record<string, string>> = {
  '*': '∗',
  '~': '∼',
  '`': 'ˋ',
  '<': '‹',
  '>': '›',
  '[': '［',
  ']': '］',
  '@': '＠',
  '&': '＆',
  '\\': '＼',
  '#': '＃',
};

/**
 * Text that shows as itself and does nothing: Slack and Teams disagree on how to escape, and a card may go to either. An
 * underscore inside a name is no formatting for any of them, and stays, so that names can be copied.
 */
export function asMarkdown(text: string): string {
  return text
    .replace(/[*~`<>[\]@&\\#]/g, (sign) => LOOK_ALIKES[sign] ?? '')
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '＿')
    .replaceAll('://', ':⁄⁄');
}

/** Names come from outside: a line break in one must not make a line of its own. */
export function oneLine(text: string, longest: number): string {
  return shorten(
    text
      .toWellFormed()
      .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]+/gu, ' ')
      .trim(),
    longest,
  );
}

/** By whole characters: half of one is no text that could be sent. */
export function shorten(text: string, longest: number): string {
  return text.length <= longest ? text : `${text.slice(0, longest - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}
