// Runs every test file that the build produced, and fails when there is none: node's own runner calls an empty set a success.
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { relative, resolve } from 'node:path';

const root = import.meta.dirname;
const wanted = process.argv.slice(2);
const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter(name => name.endsWith('.test.js'))
  .filter(name => wanted.length === 0 || wanted.some(part => name.includes(part)))
  .map(name => relative(process.cwd(), resolve(root, name)))
  .toSorted();

if (files.length === 0) {
  console.error(wanted.length === 0 ? 'no test was built' : `no test file matches: ${wanted.join(', ')}`);
  process.exit(2);
}

// The spec reporter repeats the failures at the end, where a log that was cut short still has them.
const options = ['--enable-source-maps', '--test', '--test-reporter=spec', '--test-concurrency=2'];
const runner = spawn(process.execPath, [...options, ...files], { stdio: 'inherit' });
runner.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
