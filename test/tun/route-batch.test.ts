import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IpCommandError } from '../../src/tun/ip-command.ts';
import type { LineFailure } from '../../src/tun/ip-batch.ts';
import { RouteBatch } from '../../src/tun/route-batch.ts';
import { Namespace, namespacesUnavailable } from './namespace.ts';

const skip = namespacesUnavailable();
const ROUTE = '10.66.0.7/32';
const PATH = process.env['PATH'];

describe('RouteBatch', { skip }, () => {
  let host: Namespace;
  let log: Log;
  let routes: RouteBatch;

  before(() => {
    assert.ok(PATH);
  });
  beforeEach(() => {
    host = new Namespace('rt');
    for (const device of ['sstp0', 'sstp1']) {
      host.ip('tuntap', 'add', 'mode', 'tun', 'name', device);
      host.ip('link', 'set', 'dev', device, 'up');
    }
    process.env['PATH'] = host.path;
    log = new Log();
    routes = new RouteBatch(log);
  });
  afterEach(async () => {
    process.env['PATH'] = PATH;
    await routes.close();
    host.delete();
  });

  test('adds a host route and removes it', async () => {
    routes.add(ROUTE, 'sstp0');
    await routes.settled();
    assert.match(host.ip('route', 'show', ROUTE), /^10\.66\.0\.7 dev sstp0 proto 143 scope link/);
    routes.remove(ROUTE, 'sstp0');
    await routes.settled();
    assert.equal(host.ip('route'), '');
    assert.deepEqual(log.refusals, []);
  });

  test('adds and removes an IPv6 prefix', async () => {
    routes.add('2001:db8:7::/64', 'sstp0');
    await routes.settled();
    assert.match(host.ip('-6', 'route', 'show', 'proto', '143'), /^2001:db8:7::\/64 dev sstp0 /);
    routes.remove('2001:db8:7::/64', 'sstp0');
    await routes.settled();
    assert.equal(host.ip('-6', 'route', 'show', 'proto', '143'), '');
  });

  test('who waits for a destination waits until its route is there, whatever else is changed meanwhile', async () => {
    const others = Array.from({ length: 3000 }, (_, index) => `10.77.${index >> 8}.${index & 255}/32`);
    for (const destination of others) routes.add(destination, 'sstp0');
    await routes.settled();
    const enough = new AbortController();
    const churn = async (): Promise<void> => {
      while (!enough.signal.aborted) {
        for (const destination of others) routes.remove(destination, 'sstp0');
        await sleep(1);
        for (const destination of others) routes.add(destination, 'sstp0');
        await sleep(1);
      }
    };
    const churned = churn();
    await sleep(5);
    routes.add(ROUTE, 'sstp0');
    await routes.applied(ROUTE);
    const shown = host.ip('route', 'show', ROUTE);
    enough.abort();
    await churned;
    assert.match(shown, /^10\.66\.0\.7 dev sstp0/);
    await routes.applied(ROUTE);
  });

  test('waiting is over also for a refused route, one that was taken back, and one that is left when all is closed', async () => {
    routes.add('10.66.0.2/32', 'nowhere');
    await routes.applied('10.66.0.2/32');
    assert.equal(log.refusals.length, 1);
    routes.add(ROUTE, 'sstp0');
    const takenBack = routes.applied(ROUTE);
    routes.remove(ROUTE, 'sstp0');
    await takenBack;
    routes.add('10.66.0.3/32', 'sstp0');
    await routes.settled();
    kill(routes);
    routes.add('10.66.0.4/32', 'sstp0');
    const survives = routes.applied('10.66.0.4/32');
    await survives;
    assert.equal(routeCount(host, 'sstp0'), 2);
    process.env['PATH'] = '/nonexistent';
    kill(routes);
    await log.untilLost(2);
    routes.add(ROUTE, 'sstp0');
    const left = routes.applied(ROUTE);
    await routes.close();
    await left;
  });

  test('a destination that is added for another device moves, and the late removal for the old device changes nothing', async () => {
    routes.add(ROUTE, 'sstp0');
    await routes.settled();
    routes.add(ROUTE, 'sstp1');
    routes.remove(ROUTE, 'sstp0');
    await routes.settled();
    assert.match(host.ip('route'), /^10\.66\.0\.7 dev sstp1 [^\n]*\n$/);
  });

  test('a route that came and went at once is never made', async () => {
    routes.add(ROUTE, 'sstp0');
    routes.remove(ROUTE, 'sstp0');
    await routes.settled();
    assert.equal(routes.pid, undefined);
  });

  test('applies 10,000 routes, moves them and removes them', async () => {
    const destinations = Array.from({ length: 10_000 }, (_, index) => `10.77.${index >> 8}.${index & 255}/32`);
    for (const destination of destinations) routes.add(destination, 'sstp0');
    await routes.settled();
    assert.equal(routeCount(host, 'sstp0'), 10_000);
    for (const destination of destinations) routes.add(destination, 'sstp1');
    await routes.settled();
    assert.equal(routeCount(host, 'sstp0'), 0);
    assert.equal(routeCount(host, 'sstp1'), 10_000);
    for (const destination of destinations) routes.remove(destination, 'sstp1');
    await routes.settled();
    assert.equal(routeCount(host, 'sstp1'), 0);
    assert.deepEqual(log.refusals, []);
  });

  test("a refused route is reported with its command and the kernel's words, and the others are made", async () => {
    routes.add('10.66.0.1/32', 'sstp0');
    routes.add('10.66.0.2/32', 'nowhere');
    routes.add('10.66.0.3/32', 'sstp0');
    await routes.settled();
    assert.deepEqual(log.refusals, [
      { line: 'route replace 10.66.0.2/32 dev nowhere proto 143', message: 'Cannot find device "nowhere"' },
    ]);
    assert.equal(routeCount(host, 'sstp0'), 2);
  });

  test('a later batch reports its own lines', async () => {
    routes.add('10.66.0.1/32', 'sstp0');
    await routes.settled();
    routes.add('10.66.0.2/32', 'nowhere');
    await routes.settled();
    assert.equal(log.refusals[0]?.line, 'route replace 10.66.0.2/32 dev nowhere proto 143');
  });

  test('removing a route that vanished with its device is no failure', async () => {
    routes.add(ROUTE, 'sstp0');
    await routes.settled();
    host.ip('link', 'delete', 'sstp0');
    routes.remove(ROUTE, 'sstp0');
    await routes.settled();
    assert.deepEqual(log.refusals, []);
  });

  test("adding again restores a route that was lost to the device's going down", async () => {
    routes.add(ROUTE, 'sstp0');
    await routes.settled();
    host.ip('link', 'set', 'sstp0', 'down');
    host.ip('link', 'set', 'sstp0', 'up');
    assert.equal(routeCount(host, 'sstp0'), 0);
    routes.add(ROUTE, 'sstp0');
    await routes.settled();
    assert.equal(routeCount(host, 'sstp0'), 1);
  });

  test("somebody else's route to the same destination is not removed", async () => {
    routes.add(ROUTE, 'sstp0');
    await routes.settled();
    host.ip('route', 'replace', ROUTE, 'dev', 'sstp1', 'proto', 'static');
    routes.remove(ROUTE, 'sstp0');
    await routes.settled();
    assert.match(host.ip('route'), /^10\.66\.0\.7 dev sstp1 proto static/);
  });

  test('a child that is killed while idle is started again, and what is wanted is applied again', async () => {
    routes.add('10.66.0.1/32', 'sstp0');
    routes.add('10.66.0.2/32', 'sstp0');
    await routes.settled();
    host.ip('route', 'del', '10.66.0.1/32');
    const pid = kill(routes);
    await log.untilLost(1);
    await routes.settled();
    assert.notEqual(routes.pid, pid);
    assert.equal(routeCount(host, 'sstp0'), 2);
    assert.match(log.losses[0]?.error.message ?? '', /^ip -force -batch -: ended with SIGKILL$/);
  });

  test('changes made around the death of the child take effect', async () => {
    const destinations = Array.from({ length: 2000 }, (_, index) => `10.77.${index >> 8}.${index & 255}/32`);
    for (const destination of destinations) routes.add(destination, 'sstp0');
    await routes.settled();
    kill(routes);
    for (const destination of destinations.slice(0, 1000)) routes.remove(destination, 'sstp0');
    for (const destination of destinations.slice(1000, 1500)) routes.add(destination, 'sstp1');
    await routes.settled();
    assert.equal(routeCount(host, 'sstp0'), 500);
    assert.equal(routeCount(host, 'sstp1'), 500);
  });

  test('the pause before a restart doubles while the child keeps dying, and starts over after success', async () => {
    const broken = brokenIp('#!/bin/sh\nread line\necho "out of order" >&2\nexit 3\n');
    process.env['PATH'] = broken;
    routes.add(ROUTE, 'sstp0');
    await log.untilLost(3);
    process.env['PATH'] = host.path;
    await routes.settled();
    assert.deepEqual(
      log.losses.map(loss => loss.retryInMs),
      [100, 200, 400],
    );
    assert.match(log.losses[0]?.error.message ?? '', /^ip -force -batch -: out of order$/);
    assert.equal(routeCount(host, 'sstp0'), 1);
    kill(routes);
    await log.untilLost(4);
    assert.equal(log.losses[3]?.retryInMs, 100);
    rmSync(broken, { recursive: true });
  });

  test('says that ip is missing, goes on trying, and can be closed meanwhile', async () => {
    const empty = mkdtempSync(join(tmpdir(), 'sgw-empty-'));
    process.env['PATH'] = empty;
    routes.add(ROUTE, 'sstp0');
    await log.untilLost(2);
    assert.equal(log.losses[0]?.error.code, 'ip-missing');
    assert.match(log.losses[0]?.error.message ?? '', /"ip" is not installed/);
    await routes.close();
    rmSync(empty, { recursive: true });
  });

  test('close removes our routes only, ends the child, and ignores what comes later', async () => {
    host.ip('route', 'add', '192.0.2.0/24', 'dev', 'sstp0');
    routes.add(ROUTE, 'sstp0');
    await routes.settled();
    const pid = routes.pid ?? 0;
    routes.add('10.66.0.8/32', 'sstp0');
    await routes.close();
    await routes.close();
    routes.add(ROUTE, 'sstp0');
    await routes.settled();
    assert.match(host.ip('route'), /^192\.0\.2\.0\/24 dev sstp0 [^\n]*\n$/);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
    assert.deepEqual(log.losses, []);
  });

  test('close while the child is dead still removes the routes', async () => {
    routes.add(ROUTE, 'sstp0');
    await routes.settled();
    kill(routes);
    await log.untilLost(1);
    await routes.close();
    assert.equal(host.ip('route'), '');
  });

  test('the child is out of reach of Ctrl-C in the terminal', async () => {
    routes.add(ROUTE, 'sstp0');
    await routes.settled();
    // A negative number is a process group; the child leads one of its own.
    process.kill(-(routes.pid ?? 0), 0);
  });

  const malformed: [string, string][] = [
    ['10.66.0.7', 'sstp0'],
    ['10.66.0.7/33', 'sstp0'],
    ['10.66.0.7/32/1', 'sstp0'],
    ['10.66.0/24', 'sstp0'],
    ['fe80::1%sstp0/64', 'sstp0'],
    ['10.66.0.7/32\nroute flush table main', 'sstp0'],
    [ROUTE, 'sstp0 table 7'],
    [ROUTE, ''],
  ];
  for (const [destination, device] of malformed) {
    test(`throws on ${JSON.stringify([destination, device])}, which would confuse the child`, () => {
      assert.throws(() => routes.add(destination, device), TypeError);
    });
  }
});

/** Collects what a RouteBatch reports. */
class Log {
  readonly refusals: LineFailure[] = [];
  readonly losses: { error: IpCommandError; retryInMs: number }[] = [];

  refused(failure: LineFailure): void {
    this.refusals.push(failure);
  }

  lost(error: IpCommandError, retryInMs: number): void {
    this.losses.push({ error, retryInMs });
  }

  async untilLost(times: number): Promise<void> {
    while (this.losses.length < times) await sleep(5);
  }
}

function kill(routes: RouteBatch): number {
  const { pid } = routes;
  assert.ok(pid);
  process.kill(pid, 'SIGKILL');
  return pid;
}

function routeCount(host: Namespace, device: string): number {
  return host.ip('route', 'show', 'dev', device).split('\n').length - 1;
}

/** A folder for PATH that holds this script as `ip`. */
function brokenIp(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sgw-broken-'));
  writeFileSync(join(folder, 'ip'), script, { mode: 0o755 });
  return folder;
}
