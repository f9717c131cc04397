/** node reader.js: whoever watches a gateway, driven over the IPC channel (protocol.ts). */
import { setTimeout as sleep } from 'node:timers/promises';
import { openWebSocket } from '../../test/admin/web-socket.ts';
import type { WebSocketReader } from '../../test/admin/web-socket.ts';
import type { ReadReport, ReadRequest, ReaderCommands } from './protocol.ts';
import { serveCommands } from './serve-commands.ts';
import { startStopwatch } from './stopwatch.ts';

/** All rows, in an order that makes the gateway look at all of them before it answers. */
const LIST = '/api/v1/sessions?sort=-txBytes';

/**
 * Those that never read outlive a phase: it takes most of a minute until the gateway's end of the socket is full of events. After two
 * minutes without a sign of life the gateway closes them.
 */
const STALLED_LIFE_MS = 100_000;
const MISSED = /^sstp_events_missed_total (\d+)$/m;

let stalledReaders: WebSocketReader[] = [];
let stalledSince = 0;

serveCommands<ReaderCommands>({ read });

async function read({ admin, durationMs, intervalMs, sockets, stalled }: ReadRequest): Promise<ReadReport> {
  const stopwatch = startStopwatch();
  const port = Number(new URL(admin).port);
  await stall(port, stalled);
  const readers = await openSockets(port, sockets - stalled);
  const pollMs: number[] = [];
  let sessions = 0;
  let bytes = 0;
  let missed = 0;
  while (stopwatch().elapsedMs < durationMs) {
    const started = performance.now();
    const list = await fetchText(admin + LIST);
    const metrics = await fetchText(`${admin}/metrics`);
    pollMs.push(performance.now() - started);
    sessions = (JSON.parse(list) as { sessions: unknown[] }).sessions.length;
    bytes += list.length + metrics.length;
    missed = Number(MISSED.exec(metrics)?.[1]);
    const left = durationMs - stopwatch().elapsedMs;
    await sleep(Math.max(0, Math.min(left, intervalMs - (performance.now() - started))));
  }
  for (const { socket } of readers) socket.destroy();
  const events = readers.reduce((sum, { messages }) => sum + messages.length, 0);
  return { polls: pollMs.length, sessions, bytes, pollMs, events, missed, cpuSeconds: stopwatch().cpuSeconds };
}

async function stall(port: number, count: number): Promise<void> {
  if (performance.now() - stalledSince < STALLED_LIFE_MS && stalledReaders.length === count) return;
  for (const { socket } of stalledReaders) socket.destroy();
  stalledReaders = await openSockets(port, count);
  for (const { socket } of stalledReaders) socket.pause();
  stalledSince = performance.now();
}

async function openSockets(port: number, count: number): Promise<WebSocketReader[]> {
  const readers = await Promise.all(Array.from({ length: count }, () => openWebSocket(port)));
  for (const { head } of readers) {
    if (!head.startsWith('HTTP/1.1 101')) throw new Error(`no WebSocket of events: ${head.split('\r\n', 1)[0]}`);
  }
  return readers;
}

async function fetchText(url: string): Promise<string> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  return answer.text();
}
