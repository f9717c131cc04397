// deploy/nftables and deploy/sysctl.d, in namespaces: `sstp0` is a cable to a client here, `eth0` one to the Internet.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Namespace, namespacesUnavailable } from '../tun/namespace.ts';

const RULES = fileURLToPath(new URL('../../../deploy/nftables/sstp-gateway.nft', import.meta.url));
const SYSCTL = fileURLToPath(new URL('../../../deploy/sysctl.d/60-sstp-gateway.conf', import.meta.url));
const CLIENT = '10.66.0.2';
const OTHER_CLIENT = '10.66.0.3';
const GATEWAY = '10.66.0.1';
const OUTSIDE = '192.0.2.1';
const WORLD = '192.0.2.2';

describe('deploy/', { skip: namespacesUnavailable() || missing('nft', 'sysctl') }, () => {
  let gateway: Namespace;
  let client: Namespace;
  let other: Namespace;
  let world: Namespace;

  before(() => {
    gateway = new Namespace('fw');
    client = new Namespace('fc');
    other = new Namespace('fo');
    world = new Namespace('fi');
    gateway.connect(client, 'sstp0', `${GATEWAY}/32`, 'tun', `${CLIENT}/24`);
    gateway.connect(other, 'sstp1', `${GATEWAY}/32`, 'tun', `${OTHER_CLIENT}/24`);
    gateway.connect(world, 'eth0', `${OUTSIDE}/24`, 'eth0', `${WORLD}/24`);
    gateway.ip('route', 'add', CLIENT, 'dev', 'sstp0');
    gateway.ip('route', 'add', OTHER_CLIENT, 'dev', 'sstp1');
    for (const host of [client, other]) {
      host.ip('route', 'add', 'default', 'via', GATEWAY);
      host.ip('route', 'add', host === client ? OTHER_CLIENT : CLIENT, 'via', GATEWAY);
    }
    gateway.runBlocking('sysctl', '--quiet', '--load', SYSCTL);
    for (let times = 0; times < 2; times++) gateway.runBlocking('nft', '--file', RULES);
  });

  after(() => {
    for (const host of [gateway, client, other, world]) host.delete();
  });

  const counted = (name: string): number => {
    const text = gateway.runBlocking('nft', 'list', 'counter', 'inet', 'sstp_gateway', name);
    return Number(/packets (\d+)/.exec(text)?.[1]);
  };

  test('sysctl keys exist, and hold what the file says', () => {
    const settings = [...readFileSync(SYSCTL, 'utf8').matchAll(/^-?([a-z0-9_.]+) = (\d+)$/gm)];
    assert.ok(settings.length >= 8);
    for (const [, key = '', value] of settings) {
      // The namespaces of this test cannot change it, but they show it.
      if (key.endsWith('nf_conntrack_max')) gateway.runBlocking('sysctl', '--values', key);
      else assert.equal(gateway.runBlocking('sysctl', '--values', key).trim(), value, key);
    }
  });

  test('a client reaches the world, which sees the gateway', async () => {
    // The world has no route to the client: without NAT there would be no answer.
    assert.ok(await answers(client, WORLD));
  });

  test('a client may ping the gateway, and connect to nothing on it', async () => {
    assert.ok(await answers(client, GATEWAY));
    const before = counted('clients_refused');
    await connect(client, GATEWAY, 8080, 1);
    assert.ok(counted('clients_refused') > before);
  });

  test('clients do not reach each other', async () => {
    const before = counted('clients_refused');
    assert.equal(await answers(client, OTHER_CLIENT), false);
    assert.ok(counted('clients_refused') > before);
  });

  test('nobody begins a connection to a client', async () => {
    world.ip('route', 'add', CLIENT, 'via', OUTSIDE);
    assert.equal(await answers(world, CLIENT), false);
    assert.ok(counted('strangers_refused') > 0);
    world.ip('route', 'delete', CLIENT);
  });

  test('a caller has its rate, and a flood of one is dropped', async () => {
    await connect(world, OUTSIDE, 443, 50);
    assert.equal(counted('calls_refused'), 0);
    await connect(world, OUTSIDE, 443, 400);
    assert.ok(counted('calls_refused') > 100);
  });
});

async function answers(from: Namespace, to: string): Promise<boolean> {
  return (await from.run('ping', '-c', '1', '-W', '2', to)).code === 0;
}

/** Tries to open so many connections at once; whether they come about is of no interest. */
async function connect(from: Namespace, host: string, port: number, count: number): Promise<void> {
  const attempt = `require('node:net').connect(${port}, '${host}').on('error', () => {})`;
  const program = `for (let i = 0; i < ${count}; i++) ${attempt}; setTimeout(process.exit, 500)`;
  const { code, stderr } = await from.run(process.execPath, '--eval', program);
  assert.equal(code, 0, stderr);
}

function missing(...commands: readonly string[]): string | false {
  if (process.env['CI'] === 'true') return false;
  for (const command of commands) {
    try {
      execFileSync(command, ['--version'], { stdio: 'ignore' });
    } catch {
      return `needs the command ${command}`;
    }
  }
  return false;
}
