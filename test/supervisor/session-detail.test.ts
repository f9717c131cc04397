import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Grant } from '../../src/supervisor/grant.ts';
import { sessionDetail } from '../../src/supervisor/session-detail.ts';
import type { SessionRow } from '../../src/supervisor/session-table.ts';
import { sessionView } from '../../src/supervisor/session-view.ts';
import { TrafficMeter } from '../../src/supervisor/traffic-meter.ts';
import { parseIpv6Prefix } from '../../src/wire/ipv6.ts';
import { HashProtocol } from '../../src/wire/sstp.ts';
import type { SessionDescription, SessionId } from '../../src/worker/messages.ts';

const NOW = Date.parse('2026-06-01T12:00:00.000Z');
const TRAFFIC = { rxBytes: 1, txBytes: 2, rxPackets: 3, txPackets: 4, drops: 5 };

const DESCRIPTION: SessionDescription = {
  hashProtocol: HashProtocol.Sha1,
  helloIntervalMs: 60_000,
  negotiationEndsAt: undefined,
  idleEndsAt: NOW + 5_000,
  queueBytes: 4_096,
  lcp: { state: 'opened', mru: 1400, peerMru: 4091, method: 'eap', magic: 0x1234, identification: ['MSRASV5.20'] },
  networks: [
    {
      state: 'req-sent',
      network: { family: 4, ipv4: { address: 0x0a420007, gateway: 1, dns: [0x08080808], nbns: [] } },
    },
    {
      state: 'opened',
      network: {
        family: 6,
        ipv6: {
          interfaceId: 0x1_0000_0000_00ffn,
          gatewayInterfaceId: 1n,
          prefix: undefined,
          delegated: undefined,
          dns: [],
        },
      },
    },
  ],
};

function rowOf(changes: Partial<SessionRow> = {}): SessionRow {
  return {
    id: 1 as SessionId,
    publicId: 'a-1-1',
    worker: 0,
    slot: 0,
    remoteAddress: '2001:db8::9',
    remotePort: 50_000,
    localAddress: '198.51.100.1',
    serverName: 'vpn.example.org',
    port: 0,
    device: 'sstp0',
    tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
    correlationId: undefined,
    connectedAt: NOW - 10_000,
    state: 'up',
    user: 'alice',
    method: 'eap',
    identification: [],
    grant: {
      attributes: { filterId: 'office' },
      authentic: 'radius',
      ipv4: 0x0a420007,
      interfaceId: 1n,
      ipv6Prefix: parseIpv6Prefix('2001:db8:1::/64'),
      delegatedPrefix: parseIpv6Prefix('2001:db8:2::/56'),
      leases: {} as Grant['leases'],
      routes: ['10.66.0.7/32'],
    },
    mtu: 1400,
    upAt: NOW - 9_000,
    policy: { sessionTimeoutMs: 60_000, idleTimeoutMs: undefined, rate: { up: undefined, down: 1_000_000 } },
    meter: new TrafficMeter(),
    ...changes,
  };
}

function detailOf(row: SessionRow, description: SessionDescription | undefined) {
  return sessionDetail(row, sessionView(row, TRAFFIC, 'gw1'), description, NOW);
}

describe('what is shown of a session', () => {
  test('is what its worker says and what the table knows', () => {
    const { negotiated, timers, queueBytes } = detailOf(rowOf(), DESCRIPTION);
    assert.equal(negotiated.hash, 'sha1');
    assert.equal(negotiated.lcp?.magic, '00001234');
    assert.deepEqual(negotiated.ipcp, { state: 'req-sent', peer: '10.66.0.7', dns: ['8.8.8.8'], nbns: [] });
    assert.deepEqual(negotiated.ipv6cp, { state: 'opened', interfaceId: '1:0:0:ff' });
    assert.equal(negotiated.delegatedPrefix, '2001:db8:2::/56');
    assert.equal(timers.idleEndsAt, '2026-06-01T12:00:05.000Z');
    assert.equal(queueBytes, 4_096);
  });

  test('is what the table knows when the worker does not answer', () => {
    const detail = detailOf(rowOf(), undefined);
    assert.deepEqual(detail.negotiated, {
      hash: null,
      lcp: null,
      ipcp: null,
      ipv6cp: null,
      delegatedPrefix: '2001:db8:2::/56',
    });
    assert.deepEqual(detail.timers, {
      helloInterval: null,
      sessionTimeout: 60,
      sessionEndsAt: '2026-06-01T12:00:51.000Z',
      idleTimeout: null,
      idleEndsAt: null,
      negotiationEndsAt: null,
    });
    assert.deepEqual(detail.rate, { up: null, down: 1_000_000, upBurst: null, downBurst: null });
    assert.deepEqual([detail.routes, detail.filterId, detail.queueBytes], [['10.66.0.7/32'], 'office', null]);
    assert.equal(detail.remoteAddress, '[2001:db8::9]:50000');
  });

  test('has rates over time, the last one at the time of the last sample', () => {
    const row = rowOf();
    for (const bytes of [0, 250, 750]) row.meter.sample(bytes, 0, 2);
    const { history, rxRate } = detailOf(row, undefined);
    assert.deepEqual(history, {
      intervalSeconds: 2,
      points: [
        { at: '2026-06-01T11:59:58.000Z', rxBps: 1_000, txBps: 0 },
        { at: '2026-06-01T12:00:00.000Z', rxBps: 2_000, txBps: 0 },
      ],
    });
    assert.equal(rxRate, 2_000);
  });

  test('follows a session that gets its address and comes up', () => {
    const { grant, upAt } = rowOf();
    const row = rowOf({ grant: undefined, upAt: undefined, state: 'negotiating', policy: undefined });
    const before = detailOf(row, undefined);
    assert.deepEqual([before.ipv4, before.ipv6, before.upAt, before.rate], [null, null, null, null]);
    row.grant = grant;
    row.upAt = upAt;
    const after = detailOf(row, undefined);
    assert.deepEqual(
      [after.ipv4, after.ipv6, after.upAt],
      ['10.66.0.7', '2001:db8:1::/64', '2026-06-01T11:59:51.000Z'],
    );
  });
});
