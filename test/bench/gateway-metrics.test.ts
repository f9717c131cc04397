import assert from 'node:assert/strict';
import { test } from 'node:test';
import { filling, type GatewayMetrics } from '../../bench/gateway-metrics.ts';

test('calls are as full as the packets and bytes that came between two readings', () => {
  assert.deepEqual(filling(reading(5, 1), reading(7, 4), 'rx'), { packetsPerDeviceCall: 25, bytesPerTlsCall: 14_000 });
  assert.deepEqual(filling(reading(5, 1), reading(7, 4), 'tx'), { packetsPerDeviceCall: 1, bytesPerTlsCall: 4500 });
});

/** A gateway's counters, after so many times the same in each direction. */
function reading(rx: number, tx: number): GatewayMetrics {
  return new Map([
    ['sstp_packets_total{direction="rx"}', 100 * rx],
    ['sstp_device_calls_total{direction="rx"}', 4 * rx],
    ['sstp_bytes_total{direction="rx"}', 140_000 * rx],
    ['sstp_tls_calls_total{direction="rx"}', 10 * rx],
    ['sstp_packets_total{direction="tx"}', 30 * tx],
    ['sstp_device_calls_total{direction="tx"}', 30 * tx],
    ['sstp_bytes_total{direction="tx"}', 9000 * tx],
    ['sstp_tls_calls_total{direction="tx"}', 2 * tx],
  ]);
}
