import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { entrySchema } from '../../src/aaa/user-schema.ts';
import { readUsers } from '../../src/aaa/user-record.ts';
import { fileSchema } from '../../src/config/file-schema.ts';
import { loadConfig } from '../../src/config/load.ts';
import { YamlSource } from '../../src/config/yaml-source.ts';
import { makePair, type Pair, workspace } from './workspace.ts';

let pair: Pair;
before(async () => {
  pair = await makePair({ names: ['vpn.example.org'] });
});

describe('docs/configuration.md', () => {
  const [file, users] = documentation('configuration.md').split(/^## The users file$/m);

  test('has a row for every key of the configuration file, and for no other', () => {
    assert.deepEqual(rows(file!), keysOf(fileSchema).toSorted());
  });

  test('has a row for every key of the users file, and for no other', () => {
    assert.deepEqual(rows(users!), keysOf(entrySchema).toSorted());
  });
});

for (const name of ['configuration.md', 'addresses.md', 'operations.md', 'load-balancing.md']) {
  test(`every example of docs/${name} is accepted`, context => {
    const space = workspace(context);
    space.write('fullchain.pem', pair.cert);
    space.write('privkey.pem', pair.key);
    space.write('radius.secret', 'not-the-real-secret');
    space.write('admin.token', 'not-the-real-token');
    mkdirSync(space.path('site'));
    space.write('site/index.html', '');
    const examples = [...documentation(name).matchAll(/^```yaml\n(.+?)^```$/gms)].map(match => match[1]!);
    assert.ok(examples.length > 0);
    for (const example of examples) {
      if (example.startsWith('- name:')) readUsers(new YamlSource('users.yaml', example));
      else {
        const certificate = /^tls:/m.test(example) ? '' : CERTIFICATE;
        loadConfig(space.write('gateway.yaml', `${example}${certificate}`));
      }
    }
  });
}

test('docs/architecture.md says of every dependency why it is there', () => {
  const manifest = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
    readonly devDependencies: Readonly<Record<string, string>>;
  };
  const [, table = ''] = documentation('architecture.md').split(/^## Dependencies$/m);
  const documented = [...table.matchAll(/^\| ([^|]+?) +\|/gm)].slice(2).flatMap(match => match[1]!.split(', '));
  const wanted = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
  assert.deepEqual(documented.toSorted(), wanted.toSorted());
});

const CERTIFICATE = 'tls: { certificates: [{ cert: fullchain.pem, key: privkey.pem }] }\n';

function documentation(name: string): string {
  return readFileSync(fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url)), 'utf8');
}

/** What stands in the first column of the tables. */
function rows(text: string): string[] {
  return [...text.matchAll(/^\| `([^`]+)`/gm)].map(match => match[1]!).toSorted();
}

/** Paths of the values, as `listen[].address` and `network.ipv4.pools.NAME.next`. */
function keysOf(schema: unknown, path = ''): string[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault)
    return keysOf(schema.unwrap(), path);
  // A `field` is a pipe to its own transformation, the short form of a section one from it.
  if (schema instanceof z.ZodPipe && schema.in instanceof z.ZodTransform) return keysOf(schema.out, path);
  if (schema instanceof z.ZodObject) {
    const prefix = path === '' ? '' : `${path}.`;
    return Object.entries(schema.shape).flatMap(([key, value]) => keysOf(value, `${prefix}${key}`));
  }
  if (schema instanceof z.ZodRecord) return keysOf(schema.valueType, `${path}.NAME`);
  if (schema instanceof z.ZodArray && isSection(schema.element)) return keysOf(schema.element, `${path}[]`);
  return [path];
}

function isSection(schema: unknown): boolean {
  return schema instanceof z.ZodObject;
}
