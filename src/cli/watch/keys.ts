/** What a terminal sends, as keys: a name, or the character itself. */
export type Key = string;

const NAMES: Readonly<Record<string, Key>> = {
  '\u001b[A': 'up',
  '\u001bOA': 'up',
  '\u001b[B': 'down',
  '\u001bOB': 'down',
  '\u001b[5~': 'page-up',
  '\u001b[6~': 'page-down',
  '\u001b[H': 'home',
  '\u001bOH': 'home',
  '\u001b[1~': 'home',
  '\u001b[F': 'end',
  '\u001bOF': 'end',
  '\u001b[4~': 'end',
  '\r': 'enter',
  '\n': 'enter',
  '\u001b': 'escape',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u0003': 'interrupt',
  '\u0004': 'interrupt',
  '\u0015': 'erase',
};

/** Keys that are not known, and control characters, are left out. */
export function parseKeys(text: string): Key[] {
  // eslint-disable-next-line no-control-regex -- control characters are what keys are made of
  const sequences = text.match(/\u001b(?:\[[\d;]*[A-Za-z~]|O[A-Z])|[\s\S]/gu) ?? [];
  return sequences.flatMap(sequence => {
    const name = NAMES[sequence];
    if (name !== undefined) return [name];
    return /^\P{C}$/u.test(sequence) ? [sequence] : [];
  });
}
