import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const ROOT = resolve(import.meta.dirname, '../../..');
const documents = ['README.md', 'CHANGELOG.md', ...readdirSync(join(ROOT, 'docs')).map(name => `docs/${name}`)].filter(
  name => name.endsWith('.md'),
);

for (const name of documents) {
  test(`every link of ${name} leads somewhere`, () => {
    const targets = [...prose(name).matchAll(/\]\(([^)\s]+)\)|\bsrc="([^"]+)"/g)].map(match => (match[1] ?? match[2])!);
    const dead = targets.filter(target => !/^[a-z]+:/.test(target) && !leadsSomewhere(name, target));
    assert.deepEqual(dead, []);
  });

  test(`every file of this repository that ${name} names is there`, () => {
    const named = [...prose(name).matchAll(/`((?:assembly|bench|deploy|docs|src|test)\/[\w./-]*)`/g)];
    const missing = named.map(match => match[1]!).filter(path => !existsSync(join(ROOT, path)));
    assert.deepEqual(missing, []);
  });
}

test('the README names every document', () => {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  assert.deepEqual(
    documents.filter(name => name.startsWith('docs/') && !text.includes(`(${name})`)),
    [],
  );
});

/** A document without its examples: what is in them is neither link nor heading. */
function prose(name: string): string {
  return readFileSync(join(ROOT, name), 'utf8').replaceAll(/^( *)```.*?^\1```/gms, '');
}

function leadsSomewhere(from: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? join(ROOT, from) : resolve(ROOT, dirname(from), path);
  if (!existsSync(file) || relative(ROOT, file).startsWith('..')) return false;
  if (anchor === undefined) return true;
  return statSync(file).isFile() && anchors(readFileSync(file, 'utf8')).has(anchor);
}

/** What a forge makes of headings. */
function anchors(markdown: string): Set<string> {
  const headings = [...markdown.matchAll(/^#+ +(.+)$/gm)].map(match => match[1]!);
  return new Set(
    headings.map(heading =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
