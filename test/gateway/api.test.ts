// The admin plane of a real gateway with live tunnels: what it answers is what its own description says, and it is true.
import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HistoryPoint, SessionDetail, SessionView } from '../../src/admin/gateway-view.ts';
import type { ClientRuntime } from '../../src/client/client-runtime.ts';
import { createClientRuntime } from '../../src/client/client-runtime.ts';
import { formatIpv4 } from '../../src/wire/ip.ts';
import { openWebSocket } from '../admin/web-socket.ts';
import { ApiAnswers } from './api-answers.ts';
import { TestClient } from './clients.ts';
import { GatewayProcess } from './gateway-process.ts';
import { RawClient } from './raw-client.ts';
import { createSite, type Site } from './site.ts';

const LIMITED = { name: 'limited', password: 'correct horse', rate: { up: 8_000_000, down: 16_000_000 } };

describe('the API of a gateway', () => {
  let site: Site;
  let gateway: GatewayProcess;
  let runtime: ClientRuntime;
  let api: ApiAnswers;
  let tester: TestClient;
  let row: SessionView;

  before(async () => {
    site = await createSite(
      {
        network: {
          mode: 'echo',
          ipv4: { pool: ['10.66.0.0/16'], gateway: '10.66.0.1', dns: ['10.66.0.53'] },
          ipv6: { pool: ['2001:db8:1::/48'] },
        },
        session: { timeout: '1h', idleTimeout: '10m' },
      },
      'ec',
      [LIMITED],
    );
    gateway = await GatewayProcess.start(site);
    runtime = await createClientRuntime();
    api = await ApiAnswers.of(gateway);
    const https = { host: 'localhost', port: gateway.port, ca: site.ca };
    tester = await TestClient.connect(runtime, { https, user: 'limited' });
    await gateway.until(({ sessions }) => sessions.up === 1);
    [row] = (await gateway.sessions()) as [SessionView];
  });

  after(async () => {
    tester.client.abort();
    await gateway.stop();
    site.remove();
  });

  test('shows of a session what was negotiated', async () => {
    const detail = await show();
    assert.equal(detail.serverName, 'localhost');
    assert.equal(detail.localAddress, '127.0.0.1');
    const { lcp, ipcp, hash } = detail.negotiated;
    assert.equal(hash, 'sha256');
    assert.equal(lcp?.state, 'opened');
    assert.equal(lcp.authProtocol, 'mschapv2');
    assert.equal(lcp.peerMru, 1400);
    assert.match(lcp.magic ?? '', /^[\da-f]{8}$/);
    assert.deepEqual(ipcp, {
      state: 'opened',
      peer: formatIpv4(tester.client.network.address),
      dns: ['10.66.0.53'],
      nbns: [],
    });
    assert.deepEqual(detail.routes.slice(0, 1), [`${ipcp.peer}/32`]);
    assert.deepEqual(detail.rate, { up: 8_000_000, down: 16_000_000, upBurst: null, downBurst: null });
  });

  test('shows its timers', async () => {
    const { timers, upAt } = await show();
    assert.equal(timers.helloInterval, 60);
    assert.equal(timers.sessionTimeout, 3600);
    assert.equal(Date.parse(timers.sessionEndsAt!) - Date.parse(upAt!), 3_600_000);
    assert.equal(timers.idleTimeout, 600);
    const idle = Date.parse(timers.idleEndsAt!) - Date.now();
    assert.ok(idle > 500_000 && idle <= 600_000, String(idle));
    assert.equal(timers.negotiationEndsAt, null);
  });

  test('shows one that is still negotiating, with the end of its time', async () => {
    const raw = await RawClient.open(gateway.port);
    await gateway.until(({ sessions }) => sessions.negotiating === 1);
    const { sessions } = (await api.ask('GET', '/api/v1/sessions', '', '?state=negotiating')) as Sessions;
    const detail = await show(sessions[0]!.id);
    assert.equal(detail.correlationId, '{A1B2C3D4-0000-4000-8000-000000000001}');
    assert.equal(detail.negotiated.hash, null);
    assert.equal(detail.negotiated.lcp?.state, 'initial');
    assert.equal(detail.negotiated.ipcp, null);
    const left = Date.parse(detail.timers.negotiationEndsAt!) - Date.parse(detail.connectedAt);
    assert.ok(left > 59_000 && left < 61_000, String(left));
    assert.deepEqual([detail.rate, detail.routes], [null, []]);
    raw.socket.destroy();
    await gateway.until(({ sessions: counts }) => counts.negotiating === 0);
  });

  test('samples rates, of each session and of all, and puts the top talkers first', async () => {
    let detail: SessionDetail;
    let points: readonly HistoryPoint[];
    const end = performance.now() + 20_000;
    do {
      for (let sent = 0; sent < 10; sent++) await tester.ping(1000);
      await sleep(100);
      detail = await show();
      ({ points } = (await api.ask('GET', '/api/v1/history')) as { points: HistoryPoint[] });
      assert.ok(performance.now() < end, 'no rate in time');
    } while (!((detail.rxRate ?? 0) > 0 && points.some(isBusy) && measured(points).length === 2));
    assert.ok(detail.txRate! > 0);
    assert.deepEqual(detail.history.points.at(-1), {
      at: detail.history.points.at(-1)!.at,
      rxBps: detail.rxRate,
      txBps: detail.txRate,
    });
    const busy = points.find(isBusy)!;
    assert.equal(busy.sessions, 1);
    assert.equal(busy.workers.length, 2);
    assert.ok(measured(points).every(({ cpu }) => cpu! < 2));
    const { points: newer } = (await api.ask('GET', '/api/v1/history', '', `?since=${points[0]!.at}`)) as {
      points: HistoryPoint[];
    };
    assert.ok(newer.length > 0 && newer.every(({ at }) => at > points[0]!.at));
    const { sessions } = (await api.ask('GET', '/api/v1/sessions', '', '?sort=-rxRate&limit=1')) as Sessions;
    assert.equal(sessions[0]?.id, row.id);
  });

  test('shows the certificate, the pools and the traffic', async () => {
    const status = (await api.ask('GET', '/api/v1/status')) as Awaited<ReturnType<GatewayProcess['status']>>;
    const leaf = new X509Certificate(site.ca);
    const [certificate] = status.certificates;
    assert.equal(certificate?.sha256.replaceAll(':', '').toLowerCase(), sha256(leaf.raw));
    assert.equal(Date.parse(certificate.notAfter), Date.parse(leaf.validTo));
    assert.equal(certificate.subject, 'CN=localhost');
    assert.equal(certificate.keyType, 'ec-prime256v1');
    assert.deepEqual(certificate.serverNames, ['localhost']);
    const pool = status.pools.find(({ family }) => family === 'ipv4');
    assert.deepEqual([pool?.name, pool?.leased], ['default', 1]);
    assert.deepEqual(status.ready, { ready: true, reasons: [] });
    assert.equal(status.draining, false);
    const total = await gateway.until(({ traffic }) => traffic.rxBytes > 0);
    assert.ok(total.traffic.txPackets > 0 && total.process.rssBytes > 1e6 && total.process.cpuSeconds > 0);
  });

  test('tells events as they are described', async () => {
    const { messages, socket } = await openWebSocket(Number(new URL(gateway.admin).port));
    const https = { host: 'localhost', port: gateway.port, ca: site.ca };
    const { client } = await TestClient.connect(runtime, { https });
    await client.end();
    await gateway.until(({ sessions }) => sessions.up === 1);
    for (let look = 0; look < 500 && messages.length < 2; look++) await sleep(10);
    const types = messages.map(message => {
      const event = JSON.parse(message) as { type: string };
      api.judge('#/components/schemas/Event', event, event.type);
      return event.type;
    });
    assert.deepEqual(types, ['session-up', 'session-down']);
    socket.destroy();
  });

  test('answers everything else as it is described', async () => {
    await api.ask('GET', '/healthz');
    await api.ask('GET', '/readyz');
    await api.ask('GET', '/metrics');
    await api.ask('GET', '/api/v1/openapi.json');
    await api.ask('GET', '/api/v1/history', '', '?since=yesterday');
    await api.ask('GET', '/api/v1/sessions');
    await api.ask('GET', '/api/v1/sessions', '', '?limit=0');
    await api.ask('GET', '/api/v1/sessions', '', '', { origin: 'https://evil.example.org' });
    await api.ask('GET', '/api/v1/sessions/{id}', 'nobody');
    await api.ask('DELETE', '/api/v1/sessions/{id}', 'nobody');
    await api.ask('GET', '/api/v1/sessions/{id}/capture', 'nobody');
    await api.ask('GET', '/api/v1/sessions/{id}/capture', row.id, '?seconds=0');
    await api.ask('GET', '/api/v1/sessions/{id}/capture', row.id, '?seconds=1');
    await api.ask('DELETE', '/api/v1/sessions/{id}/capture', row.id);
    await api.ask('POST', '/api/v1/reload');
    await api.ask('POST', '/api/v1/drain', '', '?end=no');
    await api.ask('DELETE', '/api/v1/sessions/{id}', row.id);
    await gateway.until(({ sessions }) => sessions.up === 0);
    await api.ask('POST', '/api/v1/drain');
    await api.ask('GET', '/readyz');
    const status = (await api.ask('GET', '/api/v1/status')) as { draining: boolean; ready: { reasons: string[] } };
    assert.deepEqual([status.draining, status.ready.reasons], [true, ['draining']]);
    assert.deepEqual([...api.seen].toSorted(), SEEN.toSorted());
  });

  async function show(id = row.id): Promise<SessionDetail> {
    return (await api.ask('GET', '/api/v1/sessions/{id}', id)) as SessionDetail;
  }
});

/** A point that has caught more than the first packet of many: what is less than half a packet a second is none. */
function isBusy({ rxBps, txBps, rxPps, txPps }: HistoryPoint): boolean {
  return rxBps > 0 && txBps > 0 && rxPps > 0 && txPps > 0;
}

/** Workers of which the last point says how busy they were: one that works for us cannot have taken no time at all. */
function measured(points: readonly HistoryPoint[]): HistoryPoint['workers'] {
  return (points.at(-1)?.workers ?? []).filter(({ cpu }) => cpu !== null && cpu > 0);
}

interface Sessions {
  readonly sessions: readonly SessionView[];
}

/** So that none is left out: what can be had of a gateway without a token whose files are good. */
const SEEN = [
  'GET /healthz -> 200',
  'GET /readyz -> 200',
  'GET /readyz -> 503',
  'GET /metrics -> 200',
  'GET /api/v1/openapi.json -> 200',
  'GET /api/v1/status -> 200',
  'GET /api/v1/history -> 200',
  'GET /api/v1/history -> 400',
  'GET /api/v1/sessions -> 200',
  'GET /api/v1/sessions -> 400',
  'GET /api/v1/sessions -> 403',
  'GET /api/v1/sessions/{id} -> 200',
  'GET /api/v1/sessions/{id} -> 404',
  'DELETE /api/v1/sessions/{id} -> 202',
  'DELETE /api/v1/sessions/{id} -> 404',
  'GET /api/v1/sessions/{id}/capture -> 200',
  'GET /api/v1/sessions/{id}/capture -> 400',
  'GET /api/v1/sessions/{id}/capture -> 404',
  'DELETE /api/v1/sessions/{id}/capture -> 404',
  'POST /api/v1/reload -> 200',
  'POST /api/v1/drain -> 202',
  'POST /api/v1/drain -> 400',
];

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
