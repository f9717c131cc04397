/**
 * The result of a command for scripts: one JSON text on standard output, over several lines or on one.
 * What a terminal could take for a command is escaped, which changes nothing for a parser.
 */
export function printJson(value: unknown, layout: 'lines' | 'line' = 'lines'): void {
  console.log(
    JSON.stringify(value, undefined, layout === 'lines' ? 2 : 0).replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, character =>
      character === '\n' ? character : escaped(character),
    ),
  );
}

/** As `\u` and four digits for each UTF-16 unit. */
function escaped(character: string): string {
  return Array.from(
    { length: character.length },
    (_, at) => String.raw`\u` + character.charCodeAt(at).toString(16).padStart(4, '0'),
  ).join('');
}
