import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { pino } from 'pino';
import { ServiceManager } from '../../src/cli/service-manager.ts';
import { sendDatagram } from '../../src/ffi/datagram.ts';
import { NotifyReceiver } from '../ffi/notify-receiver.ts';
import { GatewayProcess } from '../gateway/gateway-process.ts';
import { createSite, type Site } from '../gateway/site.ts';

const SILENT = pino({ level: 'silent' });

describe('a service manager', () => {
  let name: string;
  let receiver: NotifyReceiver;
  let count = 0;

  beforeEach(() => {
    name = `@sstp-gateway-manager-${process.pid}-${++count}`;
    receiver = new NotifyReceiver(name);
  });
  afterEach(() => receiver.close());

  test('is nobody when the environment names none', () => {
    assert.equal(ServiceManager.from({}, SILENT), undefined);
    assert.equal(ServiceManager.from({ NOTIFY_SOCKET: 'vsock:2:1234' }, SILENT), undefined);
  });

  test('is taken out of the environment, so that children do not speak for the gateway', () => {
    const environment = {
      PATH: '/bin',
      NOTIFY_SOCKET: name,
      WATCHDOG_USEC: '30000000',
      WATCHDOG_PID: `${process.pid}`,
    };
    assert.equal(ServiceManager.from(environment, SILENT)?.watchdogIntervalMs, 15_000);
    assert.deepEqual(environment, { PATH: '/bin' });
  });

  test('has no watchdog unless it says so, and says so to this process', () => {
    assert.equal(ServiceManager.from({ NOTIFY_SOCKET: name }, SILENT)?.watchdogIntervalMs, undefined);
    const other = { NOTIFY_SOCKET: name, WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' };
    assert.equal(ServiceManager.from(other, SILENT)?.watchdogIntervalMs, undefined);
    const unclear = { NOTIFY_SOCKET: name, WATCHDOG_USEC: 'soon' };
    assert.equal(ServiceManager.from(unclear, SILENT)?.watchdogIntervalMs, undefined);
  });

  test('hears of every step, and of a status once', () => {
    const manager = ServiceManager.from({ NOTIFY_SOCKET: name }, SILENT)!;
    const startedAt = process.hrtime.bigint() / 1000n;
    manager.status('up');
    manager.status('up');
    manager.ready();
    manager.reloading();
    manager.alive();
    manager.extendTimeout(20_000);
    manager.stopping();
    receiver.take();
    const [status, ready, reloading, ...rest] = receiver.heard;
    assert.deepEqual([status, ready], ['STATUS=up', 'READY=1']);
    const usec = BigInt(/^RELOADING=1\nMONOTONIC_USEC=(\d+)$/.exec(reloading ?? '')?.[1] ?? -1);
    assert.ok(usec >= startedAt && usec <= process.hrtime.bigint() / 1000n);
    assert.deepEqual(rest, ['WATCHDOG=1', 'EXTEND_TIMEOUT_USEC=20000000', 'STOPPING=1']);
  });

  test('that is busy hears everything later, in order', async () => {
    const manager = ServiceManager.from({ NOTIFY_SOCKET: name }, SILENT)!;
    while (sendDatagram(name, 'noise'));
    manager.ready();
    manager.stopping();
    receiver.take();
    receiver.heard.length = 0;
    // Its retry does not keep a process alive, this does.
    await receiver.until(/STOPPING=1/);
    assert.deepEqual(receiver.heard, ['READY=1', 'STOPPING=1']);
  });

  test('that is gone is no reason to fail', () => {
    const lines: string[] = [];
    const manager = ServiceManager.from({ NOTIFY_SOCKET: '@gone' }, pino({}, { write: line => lines.push(line) }))!;
    manager.ready();
    assert.equal(lines.length, 1);
    assert.match(lines[0]!, /the service manager cannot be told/);
  });
});

describe('serve under a service manager', () => {
  const name = `@sstp-gateway-serve-${process.pid}`;
  let receiver: NotifyReceiver;
  let site: Site;
  before(async () => {
    receiver = new NotifyReceiver(name);
    site = await createSite();
  });
  after(() => {
    receiver.close();
    site.remove();
  });

  async function start(): Promise<GatewayProcess> {
    const variables = { NOTIFY_SOCKET: name, WATCHDOG_USEC: '400000' };
    Object.assign(process.env, variables);
    // The child has its copy of the environment as soon as it is spawned.
    const starting = GatewayProcess.start(site);
    for (const variable of Object.keys(variables)) delete process.env[variable];
    return await starting;
  }

  test('says when it is ready, reloads, lives and stops', async () => {
    const gateway = await start();
    await receiver.until(/^READY=1$/);
    assert.deepEqual(receiver.heard.slice(0, 2), [
      'STATUS=up: 0 sessions, 0 on their way, 2 of 2 workers ready',
      'READY=1',
    ]);
    const seen = receiver.heard.length;
    for (let beat = 0; beat < 3; beat++) await receiver.until(/^WATCHDOG=1$/, receiver.heard.length);

    process.kill(gateway.pid, 'SIGHUP');
    await receiver.until(/^RELOADING=1\n/, seen);
    const reloading = receiver.heard.findIndex(message => message.startsWith('RELOADING'));
    await receiver.until(/^READY=1$/, reloading);

    assert.equal(await gateway.stop(), 0);
    await receiver.until(/^STOPPING=1$/);
    assert.ok(receiver.heard.includes('EXTEND_TIMEOUT_USEC=20000000'));
    assert.ok(receiver.heard.includes('STATUS=draining: 0 sessions, 0 on their way, 2 of 2 workers ready'));
  });

  test('says no sign of life while it hangs', async () => {
    const gateway = await start();
    await receiver.until(/^WATCHDOG=1$/, receiver.heard.length);
    process.kill(gateway.pid, 'SIGSTOP');
    receiver.take();
    const seen = receiver.heard.length;
    await assert.rejects(receiver.until(/^WATCHDOG=1$/, seen, 1000));
    process.kill(gateway.pid, 'SIGCONT');
    await receiver.until(/^WATCHDOG=1$/, seen);
    assert.equal(await gateway.stop(), 0);
  });
});
