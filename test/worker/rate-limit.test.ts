// A data worker in this thread, whose policies come from the test as they would from the supervisor.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel } from 'node:worker_threads';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import type { ClientRuntime } from '../../src/client/client-runtime.ts';
import { echoRequestLength, emitEchoRequest, parseEchoReply } from '../../src/client/ping.ts';
import { SstpClient } from '../../src/client/sstp-client.ts';
import { loadConfig } from '../../src/config/load.ts';
import { loadHotpath } from '../../src/hotpath/hotpath.ts';
import { workerSettings } from '../../src/supervisor/worker-settings.ts';
import { VIRTIO_HEADER_LENGTH } from '../../src/wire/virtio.ts';
import { DataWorker } from '../../src/worker/data-worker.ts';
import type { FromWorker, RateLimit, SessionId, ToWorker } from '../../src/worker/messages.ts';
import { WorkerCounters } from '../../src/worker/worker-counters.ts';
import { PASSWORD, USER, createSite } from '../gateway/site.ts';
import type { Site } from '../gateway/site.ts';

const GATEWAY = 0x0a42_0001;
const CLIENT = 0x0a42_0002;
const IDENTIFIER = 7;
const PAYLOAD = 1000;
const PACKET = PAYLOAD + 28;
/** What may pass at once: the burst, as much on account of sparse flows, and the packet that goes over. */
const AT_ONCE = 2 * 6000 + PACKET;
const SLOW = 64_000;
const UNLIMITED: RateLimit = { up: undefined, down: undefined };

describe('a rate in the policy of a session', () => {
  let site: Site;
  let runtime: ClientRuntime;
  let worker: DataWorker;
  let port = 0;
  const { port1: supervisor, port2: workerPort } = new MessageChannel();
  const buffer = WorkerCounters.allocate();
  const counters = new WorkerCounters(buffer);
  let rate: RateLimit | undefined;
  let session: SessionId;

  before(async () => {
    site = await createSite({ ppp: { auth: ['pap'] } });
    runtime = await createClientRuntime();
    const settings = workerSettings(loadConfig(site.configFile).config, 'test');
    const hotpath = await loadHotpath();
    worker = new DataWorker({
      worker: 0,
      generation: 1,
      port: workerPort,
      hotpath,
      settings,
      counters: [buffer],
      tun: undefined,
    });
    const ready = new Promise<void>(resolve =>
      supervisor.on('message', (message: FromWorker) => {
        if (message.kind === 'verify') accept(message.session);
        if (message.kind !== 'ready') return;
        port = message.listening[0]!.port;
        resolve();
      }),
    );
    await worker.listen();
    await ready;
  });

  after(async () => {
    post({ kind: 'stop' });
    await worker.finished;
    supervisor.close();
    site.remove();
  });

  for (const direction of ['up', 'down'] as const) {
    test(`holds a flood ${direction} to it, and lets go what it holds when it is lifted`, async () => {
      rate = { ...UNLIMITED, [direction]: SLOW };
      const { answered, flood, client } = await connect();
      const start = performance.now();
      flood(60);
      await until(() => answered.size > 0);
      await sleep(100);
      const passed = answered.size;
      const most = (AT_ONCE + ((performance.now() - start) * SLOW) / 8000) / PACKET;
      assert.ok(passed <= most, `${passed} packets passed, ${most} may`);
      post({
        kind: 'policy',
        session,
        policy: { sessionTimeoutMs: undefined, idleTimeoutMs: undefined, rate: undefined },
      });
      await until(() => answered.size === 60);
      client.abort();
    });

    test(`drops and counts what is too much of a flood ${direction}, and the tunnel goes on`, async () => {
      rate = { ...UNLIMITED, [direction]: SLOW };
      const before = { limited: counters.drops('rate-limit'), all: counters.totals().drops };
      const { answered, flood, client } = await connect();
      flood(300);
      await until(() => counters.drops('rate-limit') > before.limited);
      post({
        kind: 'policy',
        session,
        policy: { sessionTimeoutMs: undefined, idleTimeoutMs: undefined, rate: undefined },
      });
      // The echo network too drops of what comes at once.
      await until(() => answered.size + counters.totals().drops - before.all === 300);
      answered.clear();
      flood(10);
      await until(() => answered.size === 10);
      client.abort();
    });
  }

  test('changes while packets wait', async () => {
    rate = { up: SLOW, down: SLOW };
    const { answered, flood, client } = await connect();
    flood(60);
    await until(() => answered.size > 0);
    const faster = { up: 100e6, down: 100e6 };
    post({ kind: 'policy', session, policy: { sessionTimeoutMs: undefined, idleTimeoutMs: undefined, rate: faster } });
    await until(() => answered.size === 60);
    client.abort();
  });

  function accept(id: SessionId): void {
    session = id;
    const ipv4 = { address: CLIENT, gateway: GATEWAY, dns: [], nbns: [] };
    post({ kind: 'policy', session, policy: { sessionTimeoutMs: undefined, idleTimeoutMs: undefined, rate } });
    post({ kind: 'verdict', session, verdict: { kind: 'accepted', hlak: new Uint8Array(32), message: '', ipv4 } });
  }

  function post(message: ToWorker): void {
    supervisor.postMessage(message);
  }

  /** `flood` sends so many pings at once, `answered` has their sequence numbers. */
  async function connect() {
    const answered = new Set<number>();
    const { path } = runtime;
    const client = await SstpClient.connect(
      runtime,
      { https: { host: 'localhost', port, ca: site.ca }, user: USER, password: PASSWORD, auth: ['pap'], mtu: 1400 },
      {
        receivePacket: (at, length) => {
          const sequence = parseEchoReply(path.view, at, at + length, GATEWAY, IDENTIFIER);
          if (sequence !== undefined) answered.add(sequence);
        },
        ended: () => {},
      },
    );
    const flood = (count: number): void => {
      for (let sequence = 0; sequence < count; sequence++) {
        const at = path.scratchAt + VIRTIO_HEADER_LENGTH;
        const request = {
          source: CLIENT,
          destination: GATEWAY,
          identifier: IDENTIFIER,
          sequence,
          payloadLength: PAYLOAD,
        };
        emitEchoRequest(path.view, at, request);
        assert.ok(client.queuePacket(at, echoRequestLength(request)));
      }
      client.flush();
    };
    return { answered, flood, client };
  }
});

/** Without an end of its own: the runner's limit is the end of a test that waits in vain. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}
