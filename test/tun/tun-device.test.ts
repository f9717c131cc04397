import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { echoReply } from '../../src/tun/echo-reply.ts';
import type { LandingArea, PacketDevice } from '../../src/tun/packet-device.ts';
import { closeTun, openTun, TunDevice, TunError, type TunHandle } from '../../src/tun/tun-device.ts';
import { ipv4Destination, ipVersion } from '../../src/wire/ip.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import type { DeviceWorkerData } from './device-worker.ts';
import { Namespace, namespacesUnavailable } from './namespace.ts';
import { echoRequest } from './packets.ts';
import { landingArea, OUTBOX_AT, Recorder, send } from './recorder.ts';

const skip = namespacesUnavailable();
const MTU = 1400;
/** The namespace's end of the device, and the host behind it that tests play. */
const INSIDE = '198.51.100.1';
const BEHIND = '198.51.100.2';
let devices = 0;

describe('TunDevice', { skip }, () => {
  let host: Namespace;
  before(() => {
    host = new Namespace('dev');
  });
  after(() => host.delete());

  test('carries pings of every size up to the MTU, answered by a loop in JavaScript', async () => {
    await withDevice(host, landingArea(), async (device, landing) => {
      device.start(echoHost(device, landing));
      for (const size of [0, 1, 56, MTU - 28]) {
        const { code, stdout } = await host.run('ping', '-c', '3', '-i', '0.01', '-W', '2', '-s', String(size), BEHIND);
        assert.equal(code, 0, stdout);
      }
    });
  });

  test('loses none of 10,000 packets', async () => {
    await withDevice(host, landingArea(64), async (device, landing) => {
      device.start(echoHost(device, landing));
      const { stdout } = await host.run('ping', '-q', '-f', '-c', '10000', '-W', '2', BEHIND);
      assert.match(stdout, /10000 packets transmitted, 10000 received/);
    });
  });

  test('drains what has queued up in order, in batches of at most 512, each followed by drained', async () => {
    await withDevice(host, landingArea(1), async (device, landing) => {
      host.ip('link', 'set', 'dev', device.name, 'txqueuelen', '1000');
      const recorder = new Recorder(landing);
      device.start(recorder);
      // Several times, because what waits in the device counts against its socket's send buffer.
      for (let times = 0; times < 6; times++) pingUnanswered(host, 100);
      const pings = (): Uint8Array[] => recorder.packets.filter(packet => packet[0] === 0x45 && packet[9] === 1);
      await recorder.until(() => pings().length === 600);
      assert.deepEqual(
        pings().map(packet => packet[27]),
        Array.from({ length: 600 }, (_, index) => (index % 100) + 1),
      );
      assert.equal(Math.max(...recorder.batches), 512, recorder.batches.join());
    });
  });

  test('ends a wake-up at its budget of bytes, and goes on in the next', async () => {
    const size = 60_000;
    await withDevice(host, landingArea(64, 66 * 1024), async (device, landing) => {
      host.ip('link', 'set', 'dev', device.name, 'mtu', '65000');
      const recorder = new Recorder(landing);
      device.start(recorder);
      // Several sockets, because what waits in the device counts against its socket's send buffer.
      const flood = `const { createSocket } = require('node:dgram');
        for (let index = 0; index < 24; index++) {
          const socket = createSocket('udp4');
          socket.send(Buffer.alloc(${size - 28}), 9, '${BEHIND}', () => socket.close());
        }`;
      host.runBlocking(process.execPath, '--eval', flood);
      const arrived = (): Uint8Array[] => recorder.packets.filter(packet => packet[0] === 0x45);
      await recorder.until(() => arrived().length === 24);
      assert.ok(arrived().every(packet => packet.length === size));
      // Half a MiB is eight such packets and a part of the ninth, which is delivered whole.
      assert.deepEqual(Math.max(...recorder.batches), 9, recorder.batches.join());
    });
  });

  test('drops and counts a packet that fills its slot to the end, and goes on with the next', async () => {
    await withDevice(host, landingArea(4, 512), async (device, landing) => {
      const recorder = new Recorder(landing);
      device.start(recorder);
      const largest = 512 - 16 - 1;
      for (const size of [largest + 400, largest + 1, largest]) {
        await host.run('ping', '-c', '1', '-W', '0.1', '-s', String(size - 28), BEHIND);
      }
      assert.deepEqual(
        recorder.packets.filter(packet => packet[0] === 0x45).map(packet => packet.length),
        [largest],
      );
      assert.equal(device.drops.oversized, 2);
    });
  });

  test('an interface that is down refuses packets without an error, and works again when it is up', async () => {
    await withDevice(host, landingArea(), async (device, landing) => {
      device.start(echoHost(device, landing));
      host.ip('link', 'set', device.name, 'down');
      assert.equal(send(device, landing, echoRequest(BEHIND, INSIDE)), false);
      const before = process.cpuUsage();
      await sleep(200);
      const { user, system } = process.cpuUsage(before);
      assert.ok(user + system < 100_000, `an idle device used ${user + system} us of CPU time in 200 ms`);
      host.ip('link', 'set', device.name, 'up');
      const { code, stdout } = await host.run('ping', '-c', '2', '-i', '0.01', '-W', '2', BEHIND);
      assert.equal(code, 0, stdout);
    });
  });

  test('an interface that is deleted is reported once, and refuses packets from then on', async () => {
    await withDevice(host, landingArea(), async (device, landing) => {
      const recorder = new Recorder(landing);
      device.start(recorder);
      host.ip('link', 'delete', device.name);
      await recorder.until(() => recorder.errors.length > 0);
      assert.equal(send(device, landing, echoRequest(BEHIND, INSIDE)), false);
      device.close();
      await sleep(10);
      assert.equal(recorder.errors.length, 1);
      assert.ok(recorder.errors[0] instanceof TunError);
      assert.match(recorder.errors[0].message, /is lost: read EBADFD/);
    });
  });

  test('refuses what is no packet, what lies outside of the memory, and everything before start and after close', async () => {
    await withDevice(host, landingArea(), async (device, landing) => {
      const packet = echoRequest(BEHIND, INSIDE);
      assert.equal(send(device, landing, packet), false, 'before start');
      device.start(new Recorder(landing));
      assert.equal(send(device, landing, packet), true);
      assert.equal(send(device, landing, new Uint8Array(0)), false, 'empty');
      assert.equal(send(device, landing, new Uint8Array(60)), false, 'IP version 0');
      assert.equal(device.write(VIRTIO_HEADER_LENGTH - 1, 60), false, 'a header before the memory');
      assert.equal(device.write(landing.memory.length - 59, 60), false, 'beyond the memory');
      device.close();
      assert.equal(send(device, landing, packet), false, 'after close');
    });
  });

  test('close from within receive ends the batch, and nothing is heard after it', async () => {
    await withDevice(host, landingArea(), async (device, landing) => {
      const recorder = new Recorder(landing);
      let received = 0;
      device.start({
        receive: () => {
          received += 1;
          device.close();
        },
        drained: assert.fail,
        onError: assert.fail,
      });
      pingUnanswered(host, 5);
      await sleep(20);
      assert.equal(received, 1);
      assert.equal(recorder.packets.length, 0);
    });
  });

  test('child processes do not inherit the device', async () => {
    await withDevice(host, landingArea(), async (device, landing) => {
      device.start(new Recorder(landing));
      assert.match(openFiles(String(process.pid)), /dev\/net\/tun[\s\S]*dev\/net\/tun/);
      assert.doesNotMatch(openFiles('self'), /dev\/net\/tun/);
    });
  });

  test('another device goes on where a closed one on the same handle stopped', async () => {
    const landing = landingArea();
    await withHandle(host, async handle => {
      new TunDevice(handle, landing).close();
      const first = new TunDevice(handle, landing);
      first.start(echoHost(first, landing));
      assert.throws(() => first.start(new Recorder(landing)), /started before/);
      first.close();
      const second = new TunDevice(handle, landing);
      second.start(echoHost(second, landing));
      const { code, stdout } = await host.run('ping', '-c', '2', '-i', '0.01', '-W', '2', BEHIND);
      second.close();
      assert.equal(code, 0, stdout);
    });
  });

  test('200 devices opened and closed leave no descriptor and no interface behind', async () => {
    await openAndClose();
    const before = openDescriptors();
    for (let round = 0; round < 200; round++) await openAndClose();
    assert.equal(openDescriptors(), before);
    assert.equal(readdirSync('/sys/class/net').filter(name => name.startsWith(namePrefix())).length, 0);
  });

  for (const death of ['throw', 'exit', 'terminate'] as const) {
    test(`a worker's death (${death}) leaves no descriptor behind, and the device serves the next worker`, async () => {
      await withHandle(host, async handle => {
        await deadWorker(handle, death);
        const before = openDescriptors();
        for (let round = 0; round < 3; round++) await deadWorker(handle, death);
        assert.equal(openDescriptors(), before);

        const landing = landingArea();
        const device = new TunDevice(handle, landing);
        device.start(echoHost(device, landing));
        const { code, stdout } = await host.run('ping', '-c', '2', '-i', '0.01', '-W', '2', BEHIND);
        device.close();
        assert.equal(code, 0, stdout);
      });
    });
  }
});

describe('openTun', { skip }, () => {
  test('a name in use is a TunError that says so, and leaks no descriptor', () => {
    const handle = openTun(uniqueName());
    const before = openDescriptors();
    assert.throws(() => openTun(handle.name), tunError('name-in-use', /in use by another process/));
    assert.throws(() => openTun('lo'), tunError('name-in-use', /lo is the name of a network interface/));
    assert.equal(openDescriptors(), before);
    closeTun(handle);
    closeTun(openTun(handle.name));
  });

  for (const name of ['', '.', '..', 'a/b', 'a b', 'a:b', 'tun%d', 'sixteen-letters-', 'tün', 'a\0b', 'a\nb']) {
    test(`refuses ${JSON.stringify(name)} as a name`, () => {
      assert.throws(() => openTun(name), tunError('bad-name', /is no name for a network interface/));
    });
  }

  const probe = `import { openTun } from ${JSON.stringify(new URL('../../src/tun/tun-device.js', import.meta.url).href)};
    try { openTun('${uniqueName()}'); } catch (error) { console.log(error.name, error.code, error.message); }`;
  const node = [process.execPath, '--input-type=module', '--eval', probe] as const;

  test('without CAP_NET_ADMIN the message names the capability', () => {
    const said = execFileSync('setpriv', ['--bounding-set=-net_admin', ...node], { encoding: 'utf8' });
    assert.match(said, /^TunError not-permitted TUN device \S+ may not be made \(EPERM\): it takes CAP_NET_ADMIN/);
  });

  test('without /dev/net/tun the message names the device node', () => {
    const hide = 'mount -t tmpfs none /dev/net && exec "$@"';
    const said = execFileSync('unshare', ['--mount', 'sh', '-c', hide, 'sh', ...node], { encoding: 'utf8' });
    assert.match(said, /^TunError no-device-node \/dev\/net\/tun is not there/);
  });

  test('a device node that may not be opened is told from a missing capability', () => {
    const lock =
      'mount -t tmpfs none /dev/net && mknod -m 000 /dev/net/tun c 10 200 && exec setpriv --bounding-set=-all "$@"';
    const said = execFileSync('unshare', ['--mount', 'sh', '-c', lock, 'sh', ...node], { encoding: 'utf8' });
    assert.match(said, /^TunError not-permitted \/dev\/net\/tun may not be opened \(EACCES\)/);
  });
});

function namePrefix(): string {
  return `t${process.pid}`;
}

function uniqueName(): string {
  devices += 1;
  return `${namePrefix()}x${devices}`;
}

/** An open TUN device whose interface is up in the namespace, with 198.51.100.0/24 behind it. */
async function withHandle(host: Namespace, body: (handle: TunHandle) => Promise<void>): Promise<void> {
  const handle = openTun(uniqueName());
  try {
    host.adopt(handle.name);
    host.ip('link', 'set', 'dev', handle.name, 'addrgenmode', 'none');
    host.ip('address', 'add', `${INSIDE}/24`, 'dev', handle.name);
    host.ip('link', 'set', 'dev', handle.name, 'mtu', String(MTU), 'up');
    await body(handle);
  } finally {
    closeTun(handle);
  }
}

async function withDevice(
  host: Namespace,
  landing: LandingArea,
  body: (device: TunDevice, landing: LandingArea) => Promise<void>,
): Promise<void> {
  await withHandle(host, async handle => {
    const device = new TunDevice(handle, landing);
    try {
      await body(device, landing);
    } finally {
      device.close();
    }
  });
}

/** A receiver that answers pings to any address from the outbox. */
function echoHost(device: PacketDevice, landing: LandingArea) {
  const view = new DataView(landing.memory.buffer);
  return {
    receive: (at: number, length: number): void => {
      if (ipVersion(view, at) !== 4) return;
      const reply = echoReply(view, at, length, OUTBOX_AT, ipv4Destination(view, at));
      if (reply > 0) assert.ok(device.write(OUTBOX_AT, reply));
    },
    drained: (): void => {},
    onError: (error: Error): void => {
      throw error;
    },
  };
}

/** Sends a burst of pings while this process's event loop is blocked, so that they queue up in the device. */
function pingUnanswered(host: Namespace, count: number): void {
  const burst = ['-q', '-c', String(count), '-l', String(count), '-W', '0.1', BEHIND];
  assert.throws(() => host.runBlocking('ping', ...burst), { status: 1, stdout: /100% packet loss/ });
}

/** Opens and closes a device, with a turn of the event loop for it to be polled in. */
async function openAndClose(): Promise<void> {
  const landing = landingArea(2);
  const handle = openTun(uniqueName());
  const device = new TunDevice(handle, landing);
  device.start(new Recorder(landing));
  await nextTurn();
  device.close();
  closeTun(handle);
}

/** Runs a worker that reads the device until it dies. */
async function deadWorker(handle: TunHandle, death: DeviceWorkerData['death']): Promise<void> {
  const workerData: DeviceWorkerData = { handle, death };
  const worker = new Worker(new URL('./device-worker.js', import.meta.url), { workerData, stderr: true });
  const ended = new Promise<void>(resolve => worker.once('exit', () => resolve()));
  worker.once('error', () => {});
  worker.once('message', () => {
    if (death === 'terminate') void worker.terminate();
  });
  await ended;
}

/** What the descriptors of a process are, as a child process of this one sees it; 'self' is the child. */
function openFiles(pid: string): string {
  return execFileSync('sh', ['-c', `readlink /proc/${pid}/fd/*; true`], { encoding: 'utf8' });
}

function openDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function tunError(code: TunError['code'], message: RegExp): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof TunError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}
